package main

import (
	"fmt"
	"log"
	"time"

	kratos "github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/middleware/metadata"
	"github.com/go-kratos/kratos/v2/middleware/recovery"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	stock "google.golang.org/grpc"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func provide(o probe.Options, registry store) {
	server := grpc.NewServer(
		grpc.Address(fmt.Sprintf("%s:%d", o.Host, o.Port)),
		grpc.Timeout(time.Minute),
		grpc.Middleware(recovery.Recovery(), metadata.Server()),
		grpc.Options(stock.MaxRecvMsgSize(probe.LargeLimit)),
	)
	pb.RegisterProbeServiceServer(server, &probe.Provider{Error: func(req *pb.FailRequest) error {
		return errors.New(int(req.GetCode()), req.GetReason(), req.GetMessage()).WithMetadata(req.GetMetadata())
	}})
	app := kratos.New(
		kratos.Name(o.Name), kratos.Version("v1"), kratos.Metadata(map[string]string{"lane": "base"}),
		kratos.Server(server), kratos.Registrar(registry),
	)
	endpoint, err := server.Endpoint()
	if err != nil {
		log.Fatal(err)
	}
	probe.Ready(endpoint.Host)
	if err := app.Run(); err != nil {
		log.Fatal(err)
	}
}
