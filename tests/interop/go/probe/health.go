package probe

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"jovian/interop/probe/pb"
)

// CheckHealth watches the server and its service, as load balancers of grpc-go do, and wants both to serve.
func CheckHealth(r *Report, conn grpc.ClientConnInterface) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for _, service := range []string{"", pb.ProbeService_ServiceDesc.ServiceName} {
		client := grpc_health_v1.NewHealthClient(conn)
		stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		var reply *grpc_health_v1.HealthCheckResponse
		if err == nil {
			reply, err = stream.Recv()
		}
		r.Check(fmt.Sprintf("health-%q", service), First(err,
			Want("status", reply.GetStatus(), grpc_health_v1.HealthCheckResponse_SERVING)), nil)
	}
}
