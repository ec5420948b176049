package pb

import (
	"context"

	"google.golang.org/grpc"
)

// Service is what grpc-go and what is built on it serves.
type Service struct {
	UnimplementedBenchServiceServer
}

// Get answers with an empty message.
func (Service) Get(context.Context, *GetRequest) (*GetResponse, error) {
	return &GetResponse{}, nil
}

// List counts to the number that is asked for.
func (Service) List(request *ListRequest, stream grpc.ServerStreamingServer[ListResponse]) error {
	for number := uint32(0); number < request.Count; number++ {
		if err := stream.Send(&ListResponse{Number: number}); err != nil {
			return err
		}
	}
	if request.Hold {
		<-stream.Context().Done()
	}
	return nil
}
