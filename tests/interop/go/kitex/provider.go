package main

import (
	"context"
	"io"
	"log"
	"net"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/registry"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/codes"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/metadata"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/status"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"
	etcd "github.com/kitex-contrib/registry-etcd"

	"jovian/interop/kitex/kitex_gen/jovian/interop/probe/pb"
	"jovian/interop/kitex/kitex_gen/jovian/interop/probe/pb/probeservice"
	"jovian/interop/probe"
)

func provide(o probe.Options) {
	address := &net.TCPAddr{IP: net.ParseIP(o.Host), Port: o.Port}
	etcdRegistry, err := etcd.NewEtcdRegistry([]string{o.Registry})
	if err != nil {
		log.Fatal(err)
	}
	srv := probeservice.NewServer(&provider{},
		server.WithServiceAddr(address),
		server.WithRegistry(etcdRegistry),
		server.WithRegistryInfo(&registry.Info{ServiceName: o.Name, Weight: 10, Tags: map[string]string{"lane": "base"}}),
		server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: o.Name}),
		server.WithMetaHandler(transmeta.ServerHTTP2Handler),
	)
	probe.Ready(address.String())
	if err := srv.Run(); err != nil {
		log.Fatal(err)
	}
}

type provider struct{}

func (*provider) Echo(ctx context.Context, req *pb.EchoRequest) (*pb.EchoReply, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	return &pb.EchoReply{Text: req.GetText(), Metadata: probe.Texts(md), Provider: probe.Name}, nil
}

// Fail raises a status of gRPC, or with a reason Kitex's business error.
func (*provider) Fail(_ context.Context, req *pb.FailRequest) (*pb.FailReply, error) {
	if req.GetReason() != "" {
		return nil, kerrors.NewGRPCBizStatusErrorWithExtra(req.GetCode(), req.GetMessage(), req.GetMetadata())
	}
	return nil, status.Err(codes.Code(req.GetCode()), req.GetMessage())
}

func (*provider) Wait(ctx context.Context, req *pb.WaitRequest) (*pb.WaitReply, error) {
	budget, err := probe.Wait(ctx, req.GetMillis())
	if err != nil {
		return nil, status.Err(codes.DeadlineExceeded, err.Error())
	}
	return &pb.WaitReply{BudgetMillis: budget}, nil
}

func (*provider) Count(req *pb.CountRequest, stream pb.ProbeService_CountServer) error {
	for n := uint32(1); n <= req.GetUpto(); n++ {
		if err := stream.Send(&pb.Number{Number: n}); err != nil {
			return err
		}
	}
	return nil
}

func (*provider) Sum(stream pb.ProbeService_SumServer) error {
	sum := &pb.Number{}
	for {
		next, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(sum)
		}
		if err != nil {
			return err
		}
		sum.Number += next.GetNumber()
	}
}

func (*provider) Chat(stream pb.ProbeService_ChatServer) error {
	for {
		next, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = stream.Send(&pb.EchoReply{Text: next.GetText(), Provider: probe.Name})
		}
		if err != nil {
			return err
		}
	}
}
