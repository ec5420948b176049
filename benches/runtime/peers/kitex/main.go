// The service of the benchmark on Kitex by gRPC, with its own settings: kitex PORT.
package main

import (
	"context"
	"log"
	"net"
	"os"

	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/server"

	"jovian/bench/peers/kitex/kitex_gen/jovian/bench/peers/pb"
	"jovian/bench/peers/kitex/kitex_gen/jovian/bench/peers/pb/benchservice"
)

type service struct{}

// Get answers with an empty message.
func (*service) Get(context.Context, *pb.GetRequest) (*pb.GetResponse, error) {
	return &pb.GetResponse{}, nil
}

// List counts to the number that is asked for.
func (*service) List(request *pb.ListRequest, stream pb.BenchService_ListServer) error {
	for number := uint32(0); number < request.Count; number++ {
		if err := stream.Send(&pb.ListResponse{Number: number}); err != nil {
			return err
		}
	}
	if request.Hold {
		<-stream.Context().Done()
	}
	return nil
}

func main() {
	klog.SetLevel(klog.LevelError)
	address, err := net.ResolveTCPAddr("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(benchservice.NewServer(&service{}, server.WithServiceAddr(address)).Run())
}
