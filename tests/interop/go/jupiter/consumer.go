package main

import (
	"context"

	grpcclient "github.com/douyu/jupiter/pkg/client/grpc"
	"github.com/douyu/jupiter/pkg/util/xerror"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func consume(o probe.Options) {
	config := grpcclient.StdConfig("probe")
	config.WithDialOption(probe.Unlimited())
	conn, err := config.Build()
	r := &probe.Report{}
	r.Check("dial", err, config.Addr)
	if err != nil {
		r.Exit()
	}
	client := pb.NewProbeServiceClient(conn)

	sent := map[string]string{"aid": "1234567890", "x-dy-traceid": "", "traceparent": ""}
	probe.CheckEcho(r, context.Background(), client, sent)
	probe.CheckWire(r, client)
	// A code of gRPC survives; a business code arrives as Unknown with its message.
	checkFail(r, client, "fail-known", 5, 5)
	checkFail(r, client, "fail-business", 1000, 2)
	if o.Health {
		probe.CheckHealth(r, conn)
	}
	if o.Rust {
		probe.CheckRust(r, conn)
	}
	probe.CheckFrom(r, o.From, probe.Who(client))
	r.Exit()
}

func checkFail(r *probe.Report, client pb.ProbeServiceClient, name string, code, want int32) {
	ctx, cancel := context.WithTimeout(context.Background(), probe.Patience)
	defer cancel()
	_, err := client.Fail(ctx, &pb.FailRequest{Code: code, Message: "größe"})
	got := xerror.Convert(err)
	r.Check(name, probe.First(
		probe.Want("code", got.GetEcode(), want),
		probe.Want("message", got.GetMsg(), "größe"),
	), map[string]any{"code": got.GetEcode(), "message": got.GetMsg()})
}
