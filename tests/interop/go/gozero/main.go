// A program on go-zero: a zrpc server in etcd, or a client that finds one there.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/service"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func main() {
	o := probe.Parse("etcd", nil)
	etcd := discov.EtcdConf{Hosts: strings.Split(o.Registry, ","), Key: o.Name}
	switch o.Role {
	case "provider":
		provide(o, etcd)
	case "finder":
		probe.Find(func(sought probe.Sought) (probe.Found, error) {
			etcd.Key = sought.Name
			conn, err := dial(etcd)
			if err != nil {
				return probe.Found{}, err
			}
			return probe.Conn(conn.Conn(), nil)
		})
	default:
		consume(o, etcd)
	}
}

func provide(o probe.Options, etcd discov.EtcdConf) {
	address := fmt.Sprintf("%s:%d", o.Host, o.Port)
	config := zrpc.RpcServerConf{
		ServiceConf: service.ServiceConf{Name: o.Name, Mode: service.TestMode},
		ListenOn:    address, Etcd: etcd, Timeout: probe.Patience.Milliseconds(), Health: true,
		Middlewares: zrpc.ServerMiddlewaresConf{Trace: true, Recover: true, Stat: true, Prometheus: true, Breaker: true},
	}
	server, err := zrpc.NewServer(config, func(s *grpc.Server) {
		pb.RegisterProbeServiceServer(s, &probe.Provider{Error: func(req *pb.FailRequest) error {
			return status.Error(codes.Code(req.GetCode()), req.GetMessage())
		}})
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	server.AddOptions(grpc.MaxRecvMsgSize(probe.LargeLimit))
	probe.Ready(address)
	server.Start()
}

func dial(etcd discov.EtcdConf) (zrpc.Client, error) {
	return zrpc.NewClient(zrpc.RpcClientConf{
		Etcd: etcd, NonBlock: true, Timeout: probe.Patience.Milliseconds(),
		Middlewares: zrpc.ClientMiddlewaresConf{Trace: true, Duration: true, Prometheus: true, Breaker: true, Timeout: true},
	}, zrpc.WithDialOption(probe.Unlimited()))
}

func consume(o probe.Options, etcd discov.EtcdConf) {
	r := &probe.Report{}
	conn, err := dial(etcd)
	r.Check("dial", err, nil)
	if err != nil {
		r.Exit()
	}
	client := pb.NewProbeServiceClient(conn.Conn())
	ctx := metadata.AppendToOutgoingContext(context.Background(), "tenant", "t1")
	probe.CheckEcho(r, ctx, client, map[string]string{"tenant": "t1"})
	probe.CheckWire(r, client)
	for _, code := range []codes.Code{codes.InvalidArgument, codes.NotFound, codes.PermissionDenied} {
		_, err := client.Fail(context.Background(), &pb.FailRequest{Code: int32(code), Message: "größe"})
		got := status.Convert(err)
		r.Check(fmt.Sprintf("fail-%d", code), probe.First(
			probe.Want("code", got.Code(), code), probe.Want("message", got.Message(), "größe"),
		), fmt.Sprint(err))
	}
	if o.Health {
		probe.CheckHealth(r, conn.Conn())
	}
	if o.Rust {
		probe.CheckRust(r, conn.Conn())
	}
	probe.CheckFrom(r, o.From, probe.Who(client))
	r.Exit()
}
