package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	triple "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func consume(instance *dubbo.Instance, o probe.Options, s settings) {
	r := &probe.Report{}
	conn, err := dial(instance, s)
	r.Check("dial", err, nil)
	if err != nil {
		r.Exit()
	}
	checkEcho(r, conn)
	reply, err := echo(context.Background(), conn, probe.Large)
	r.Check("large", probe.First(err, probe.Want("length", len(reply.GetText()), len(probe.Large))), nil)
	probe.CheckDeadline(r, func(ctx context.Context, millis uint32) (uint32, error) {
		reply := new(pb.WaitReply)
		err := conn.CallUnary(ctx, []any{&pb.WaitRequest{Millis: millis}}, reply, "Wait")
		return reply.GetBudgetMillis(), err
	}, func(err error) error { return probe.Want("code", triple.CodeOf(err), triple.CodeDeadlineExceeded) })
	checkCount(r, conn)
	checkSum(r, conn)
	checkChat(r, conn)
	for _, code := range []triple.Code{triple.CodeInvalidArgument, triple.CodeNotFound, triple.CodeUnavailable} {
		checkFail(r, conn, code)
	}
	if o.Rust {
		reply := new(pb.EchoReply)
		err := conn.CallUnary(context.Background(), []any{&pb.EchoRequest{Text: "casing"}}, reply, "echo")
		r.Check("casing", probe.First(err, probe.Want("text", reply.GetText(), "casing")), nil)
	}
	probe.CheckFrom(r, o.From, func(ctx context.Context) (string, error) {
		reply, err := echo(ctx, conn, "who")
		return reply.GetProvider(), err
	})
	r.Exit()
}

func dial(instance *dubbo.Instance, s settings) (*client.Connection, error) {
	cli, err := instance.NewClient(client.WithClientRetries(0))
	if err != nil {
		return nil, err
	}
	options := []client.ReferenceOption{
		client.WithRequestTimeout(probe.Patience),
		client.WithParam(constant.MaxCallRecvMsgSize, largeLimit),
	}
	if s.group != "" {
		options = append(options, client.WithGroup(s.group))
	}
	if s.version != "" {
		options = append(options, client.WithVersion(s.version))
	}
	if s.providedBy != "" {
		options = append(options, client.WithProvidedBy(s.providedBy))
	}
	info := &client.ClientInfo{InterfaceName: s.iface, MethodNames: []string{"Echo", "Fail", "Wait", "Count", "Sum", "Chat"}}
	return cli.DialWithInfo(s.iface, info, options...)
}

func echo(ctx context.Context, conn *client.Connection, text string) (*pb.EchoReply, error) {
	reply := new(pb.EchoReply)
	err := conn.CallUnary(ctx, []any{&pb.EchoRequest{Text: text}}, reply, "Echo")
	return reply, err
}

// finder looks for the interface of the flags, each time with the same client: what one of them has found, the framework does not look
// for again.
func finder(instance *dubbo.Instance, s settings) func(probe.Sought) (probe.Found, error) {
	conn, err := dial(instance, s)
	who := func(ctx context.Context) (string, error) {
		reply, err := echo(ctx, conn, "who")
		return reply.GetProvider(), err
	}
	return func(probe.Sought) (probe.Found, error) { return probe.Found{Who: who, End: func() {}}, err }
}

func checkEcho(r *probe.Report, conn *client.Connection) {
	ctx := context.WithValue(context.Background(), constant.AttachmentKey, map[string]any{"tenant": "t1"})
	reply, err := echo(ctx, conn, "héllo")
	r.Check("echo", probe.First(err,
		probe.Want("text", reply.GetText(), "héllo"),
		probe.Want("attachment tenant", reply.GetMetadata()["tenant"], "t1"),
	), reply.GetMetadata())
}

func checkCount(r *probe.Report, conn *client.Connection) {
	var got []uint32
	raw, err := conn.CallServerStream(context.Background(), &pb.CountRequest{Upto: 5}, "Count")
	if err == nil {
		stream := raw.(*triple.ServerStreamForClient)
		for stream.Receive(new(pb.Number)) {
			got = append(got, stream.Msg().(*pb.Number).GetNumber())
		}
		err = stream.Err()
	}
	r.Check("count", probe.First(err, probe.Want("numbers", fmt.Sprint(got), "[1 2 3 4 5]")), got)
}

func checkSum(r *probe.Report, conn *client.Connection) {
	sum := new(pb.Number)
	raw, err := conn.CallClientStream(context.Background(), "Sum")
	if err == nil {
		stream := raw.(*triple.ClientStreamForClient)
		for n := uint32(1); err == nil && n <= 5; n++ {
			err = stream.Send(&pb.Number{Number: n})
		}
		err = probe.First(err, stream.CloseAndReceive(triple.NewResponse(sum)))
	}
	r.Check("sum", probe.First(err, probe.Want("sum", sum.GetNumber(), 15)), sum.GetNumber())
}

func checkChat(r *probe.Report, conn *client.Connection) {
	raw, err := conn.CallBidiStream(context.Background(), "Chat")
	if err == nil {
		stream := raw.(*triple.BidiStreamForClient)
		for _, text := range []string{"a", "b", "c"} {
			reply := new(pb.EchoReply)
			if err == nil {
				err = stream.Send(&pb.EchoRequest{Text: text})
			}
			if err == nil {
				err = stream.Receive(reply)
			}
			err = probe.First(err, probe.Want("text", reply.GetText(), text))
		}
		err = probe.First(err, stream.CloseRequest())
		if last := stream.Receive(new(pb.EchoReply)); err == nil && !errors.Is(last, io.EOF) {
			err = fmt.Errorf("the stream did not end: %v", last)
		}
	}
	r.Check("chat", err, nil)
}

func checkFail(r *probe.Report, conn *client.Connection, code triple.Code) {
	err := conn.CallUnary(context.Background(), []any{&pb.FailRequest{Code: int32(code), Message: "größe"}},
		new(pb.FailReply), "Fail")
	message := fmt.Sprint(err)
	var known *triple.Error
	if errors.As(err, &known) {
		message = known.Message()
	}
	r.Check(fmt.Sprintf("fail-%d", code), probe.First(
		probe.Want("code", triple.CodeOf(err), code),
		probe.Want("message", message, "größe"),
	), fmt.Sprint(err))
}
