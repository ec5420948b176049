// The service of the benchmark on grpc-go with its own settings: grpc-go PORT.
package main

import (
	"log"
	"net"
	"os"

	"google.golang.org/grpc"

	"jovian/bench/peers/pb"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterBenchServiceServer(server, pb.Service{})
	log.Fatal(server.Serve(listener))
}
