package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/metadata"
	mmd "github.com/go-kratos/kratos/v2/middleware/metadata"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	stock "google.golang.org/grpc"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

// arrives tells which code a Kratos caller sees of the one that was raised: gRPC has no code of its own for every HTTP
// status.
var arrives = []struct{ raised, seen int32 }{
	{400, 400}, {401, 401}, {403, 403}, {404, 404}, {409, 409}, {429, 429}, {499, 499},
	{500, 500}, {501, 501}, {503, 503}, {504, 504}, {402, 500},
}

func consume(o probe.Options, name string, registry store) {
	r := &probe.Report{}
	conn, err := dial(name, registry)
	r.Check("dial", err, nil)
	if err != nil {
		r.Exit()
	}
	client := pb.NewProbeServiceClient(conn)

	ctx := metadata.AppendToClientContext(context.Background(),
		"x-md-global-tenant", "t1", "x-md-local-lane", "blue", "X-Md-Global-Upper", "Case")
	if o.Through {
		reply, err := client.Echo(ctx, &pb.EchoRequest{Text: "through"})
		r.Check("through", err, reply.GetMetadata())
		r.Exit()
	}
	probe.CheckEcho(r, ctx, client, map[string]string{
		"x-md-global-tenant": "t1", "x-md-local-lane": "blue", "x-md-global-upper": "Case",
	})
	checkForwarded(r, client)
	probe.CheckWire(r, client)
	for _, a := range arrives {
		reason := fmt.Sprintf("CODE_%d", a.raised)
		checkFail(r, client, &pb.FailRequest{Code: a.raised, Reason: reason, Message: reason}, a.seen)
	}
	// A server whose errors have a gRPC code beside the HTTP status says something better than 500.
	checkFail(r, client, &pb.FailRequest{
		Code: 422, Reason: "STOCK_EMPTY", Message: "größe 7", Metadata: map[string]string{"sku": "7"},
	}, 500, 400)
	if o.Health {
		probe.CheckHealth(r, conn)
	}
	if o.Rust {
		probe.CheckRust(r, conn)
	}
	probe.CheckFrom(r, o.From, probe.Who(client))
	r.Exit()
}

func dial(name string, registry store) (*stock.ClientConn, error) {
	return grpc.DialInsecure(context.Background(),
		grpc.WithEndpoint("discovery:///"+name),
		grpc.WithDiscovery(registry),
		grpc.WithTimeout(probe.Patience),
		grpc.WithMiddleware(mmd.Client()),
		grpc.WithPrintDiscoveryDebugLog(false),
		grpc.WithOptions(stock.WithDefaultCallOptions(stock.MaxCallRecvMsgSize(probe.LargeLimit))),
	)
}

// checkForwarded calls as a server in the middle of a chain does: of what came in, only the global names go on.
func checkForwarded(r *probe.Report, client pb.ProbeServiceClient) {
	ctx := metadata.NewServerContext(context.Background(), metadata.New(map[string][]string{
		"x-md-global-tenant": {"t1"}, "x-md-local-lane": {"blue"},
	}))
	reply, err := client.Echo(ctx, &pb.EchoRequest{Text: "forwarded"})
	r.Check("echo-forwarded", probe.First(err,
		probe.Want("global", reply.GetMetadata()["x-md-global-tenant"], "t1"),
		probe.Want("local", reply.GetMetadata()["x-md-local-lane"], ""),
	), reply.GetMetadata())
}

func checkFail(r *probe.Report, client pb.ProbeServiceClient, req *pb.FailRequest, seen ...int32) {
	_, err := client.Fail(context.Background(), req)
	got := errors.FromError(err)
	err = nil
	if !slices.Contains(seen, got.GetCode()) {
		err = fmt.Errorf("code: got %d, want one of %v", got.GetCode(), seen)
	}
	r.Check("fail-"+req.GetReason(), probe.First(err,
		probe.Want("reason", got.GetReason(), req.GetReason()),
		probe.Want("message", got.GetMessage(), req.GetMessage()),
		probe.Want("metadata", fmt.Sprint(got.GetMetadata()), fmt.Sprint(req.GetMetadata())),
	), map[string]any{"code": got.GetCode(), "reason": got.GetReason(), "metadata": got.GetMetadata()})
}
