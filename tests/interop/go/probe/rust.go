package probe

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"jovian/interop/probe/pb"
)

// CheckRust wants what a provider in Rust does and others do not: it has every method under the name that Java gives it, too, and says
// more of an error than its code and its text.
func CheckRust(r *Report, conn grpc.ClientConnInterface) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	reply := new(pb.EchoReply)
	err := conn.Invoke(ctx, "/"+pb.ProbeService_ServiceDesc.ServiceName+"/echo", &pb.EchoRequest{Text: "casing"}, reply)
	r.Check("casing", First(err, Want("text", reply.GetText(), "casing")), nil)

	_, err = pb.NewProbeServiceClient(conn).Fail(ctx, &pb.FailRequest{
		Code: 40001, Reason: "STOCK_EMPTY", Metadata: map[string]string{"sku": "7"},
	})
	got := status.Convert(err)
	info := new(errdetails.ErrorInfo)
	for _, detail := range got.Details() {
		if it, ok := detail.(*errdetails.ErrorInfo); ok {
			info = it
		}
	}
	r.Check("fail-details", First(
		Want("message", got.Message(), "größe 7"),
		Want("reason", info.GetReason(), "STOCK_EMPTY"),
		Want("domain", info.GetDomain(), "interop.probe"),
		Want("metadata", fmt.Sprint(info.GetMetadata()), "map[sku:7]"),
	), fmt.Sprint(err))
}
