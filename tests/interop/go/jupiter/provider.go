package main

import (
	"log"

	"github.com/douyu/jupiter"
	"github.com/douyu/jupiter/pkg/server/governor"
	"github.com/douyu/jupiter/pkg/server/xgrpc"
	"github.com/douyu/jupiter/pkg/util/xerror"
	"google.golang.org/grpc"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func provide(app *jupiter.Application) {
	server := xgrpc.StdConfig("grpc").WithServerOption(grpc.MaxRecvMsgSize(probe.LargeLimit)).MustBuild()
	pb.RegisterProbeServiceServer(server.Server, &probe.Provider{Error: func(req *pb.FailRequest) error {
		return &xerror.Err{Ecode: req.GetCode(), Msg: req.GetMessage(), Data: struct{}{}}
	}})
	probe.Ready(server.Info().Address)
	if err := app.Run(server, governor.StdConfig("govern").Build()); err != nil {
		log.Fatal(err)
	}
}
