package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/codes"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/metadata"
	"github.com/cloudwego/kitex/pkg/remote/trans/nphttp2/status"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/transport"
	etcd "github.com/kitex-contrib/registry-etcd"

	"jovian/interop/kitex/kitex_gen/jovian/interop/probe/pb"
	"jovian/interop/kitex/kitex_gen/jovian/interop/probe/pb/probeservice"
	"jovian/interop/probe"
)

func consume(o probe.Options) {
	r := &probe.Report{}
	conn, err := dial(o)
	r.Check("dial", err, nil)
	if err != nil {
		r.Exit()
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), "tenant", "t1")
	ctx = metainfo.WithValue(metainfo.WithPersistentValue(ctx, "REGION", "r1"), "LANE", "blue")
	if o.Through {
		reply, err := conn.Echo(ctx, &pb.EchoRequest{Text: "through"})
		r.Check("through", err, reply.GetMetadata())
		r.Exit()
	}
	checkEcho(r, ctx, conn)
	reply, err := conn.Echo(context.Background(), &pb.EchoRequest{Text: probe.Large})
	r.Check("large", probe.First(err, probe.Want("length", len(reply.GetText()), len(probe.Large))), nil)
	// Kitex has an error of its own for a call that is late, which is no status.
	probe.CheckDeadline(r, func(ctx context.Context, millis uint32) (uint32, error) {
		reply, err := conn.Wait(ctx, &pb.WaitRequest{Millis: millis})
		return reply.GetBudgetMillis(), err
	}, func(error) error { return nil })
	checkCount(r, conn)
	checkSum(r, conn)
	checkChat(r, conn)
	for _, code := range []codes.Code{codes.InvalidArgument, codes.NotFound, codes.Unavailable} {
		checkFail(r, conn, code)
	}
	checkBusiness(r, conn)
	probe.CheckFrom(r, o.From, func(ctx context.Context) (string, error) {
		reply, err := conn.Echo(ctx, &pb.EchoRequest{Text: "who"})
		return reply.GetProvider(), err
	})
	r.Exit()
}

func dial(o probe.Options) (probeservice.Client, error) {
	resolver, err := etcd.NewEtcdResolver([]string{o.Registry})
	if err != nil {
		return nil, err
	}
	return probeservice.NewClient(o.Name,
		client.WithResolver(resolver),
		client.WithTransportProtocol(transport.GRPC),
		client.WithRPCTimeout(probe.Patience),
		client.WithClientBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "probe.caller"}),
		client.WithMetaHandler(transmeta.ClientHTTP2Handler),
	)
}

func find(o probe.Options, sought probe.Sought) (probe.Found, error) {
	o.Name = sought.Name
	conn, err := dial(o)
	who := func(ctx context.Context) (string, error) {
		reply, err := conn.Echo(ctx, &pb.EchoRequest{Text: "who"})
		return reply.GetProvider(), err
	}
	return probe.Found{Who: who, End: func() {}}, err
}

func checkEcho(r *probe.Report, ctx context.Context, conn probeservice.Client) {
	reply, err := conn.Echo(ctx, &pb.EchoRequest{Text: "héllo"})
	r.Check("echo", probe.First(err,
		probe.Want("text", reply.GetText(), "héllo"),
		probe.Want("tenant", reply.GetMetadata()["tenant"], "t1"),
		probe.Want("persistent value", reply.GetMetadata()["rpc-persist-region"], "r1"),
		probe.Want("transient value", reply.GetMetadata()["rpc-transit-lane"], "blue"),
	), reply.GetMetadata())
}

func checkCount(r *probe.Report, conn probeservice.Client) {
	var got []uint32
	stream, err := conn.Count(context.Background(), &pb.CountRequest{Upto: 5})
	for err == nil {
		var reply *pb.Number
		if reply, err = stream.Recv(); err == nil {
			got = append(got, reply.GetNumber())
		}
	}
	if err == io.EOF {
		err = probe.Want("numbers", fmt.Sprint(got), "[1 2 3 4 5]")
	}
	r.Check("count", err, got)
}

func checkSum(r *probe.Report, conn probeservice.Client) {
	stream, err := conn.Sum(context.Background())
	for n := uint32(1); err == nil && n <= 5; n++ {
		err = stream.Send(&pb.Number{Number: n})
	}
	var sum *pb.Number
	if err == nil {
		sum, err = stream.CloseAndRecv()
	}
	r.Check("sum", probe.First(err, probe.Want("sum", sum.GetNumber(), 15)), sum.GetNumber())
}

func checkChat(r *probe.Report, conn probeservice.Client) {
	stream, err := conn.Chat(context.Background())
	for _, text := range []string{"a", "b", "c"} {
		if err == nil {
			err = stream.Send(&pb.EchoRequest{Text: text})
		}
		var reply *pb.EchoReply
		if err == nil {
			reply, err = stream.Recv()
		}
		err = probe.First(err, probe.Want("text", reply.GetText(), text))
	}
	if err == nil {
		err = stream.Close()
	}
	if err == nil {
		if _, err = stream.Recv(); err == io.EOF {
			err = nil
		} else {
			err = fmt.Errorf("the stream did not end: %v", err)
		}
	}
	r.Check("chat", err, nil)
}

func checkFail(r *probe.Report, conn probeservice.Client, code codes.Code) {
	_, err := conn.Fail(context.Background(), &pb.FailRequest{Code: int32(code), Message: "größe"})
	got, _ := status.FromError(err)
	// A Kitex server appends a marker to the message of every error that is not its own business error.
	message := strings.TrimSuffix(got.Message(), " [biz error]")
	r.Check(fmt.Sprintf("fail-%d", code), probe.First(
		probe.Want("code", got.Code(), code), probe.Want("message", message, "größe"),
	), fmt.Sprint(err))
}

func checkBusiness(r *probe.Report, conn probeservice.Client) {
	_, err := conn.Fail(context.Background(), &pb.FailRequest{
		Code: 40001, Reason: "STOCK_EMPTY", Message: "größe 7", Metadata: map[string]string{"sku": "7"},
	})
	biz, ok := kerrors.FromBizStatusError(err)
	if !ok {
		r.Check("fail-business", fmt.Errorf("not a business error: %v", err), nil)
		return
	}
	r.Check("fail-business", probe.First(
		probe.Want("code", biz.BizStatusCode(), 40001),
		probe.Want("message", biz.BizMessage(), "größe 7"),
		probe.Want("extra", fmt.Sprint(biz.BizExtra()), "map[sku:7]"),
	), fmt.Sprint(err))
}
