package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	triple "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	"dubbo.apache.org/dubbo-go/v3/server"

	"jovian/interop/probe"
	"jovian/interop/probe/pb"
)

func provide(instance *dubbo.Instance, o probe.Options, s settings) {
	srv, err := instance.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	options := []server.ServiceOption{server.WithInterface(s.iface)}
	if s.group != "" {
		options = append(options, server.WithGroup(s.group))
	}
	if s.version != "" {
		options = append(options, server.WithVersion(s.version))
	}
	if err := srv.Register(&Provider{}, describe(s.iface), options...); err != nil {
		log.Fatal(err)
	}
	probe.Ready(fmt.Sprintf("%s:%d", o.Host, o.Port))
	if err := srv.Serve(); err != nil {
		log.Fatal(err)
	}
}

// Provider is exported, methods and all, because the framework looks at it by reflection.
type Provider struct{}

func (*Provider) Echo(ctx context.Context, req *pb.EchoRequest) (*pb.EchoReply, error) {
	reply := &pb.EchoReply{Text: req.GetText(), Metadata: map[string]string{}, Provider: probe.Name}
	attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
	for name, attachment := range attachments {
		value := fmt.Sprint(attachment)
		if values, ok := attachment.([]string); ok {
			value = strings.Join(values, ", ")
		}
		if value != "" && !strings.HasSuffix(name, "-bin") {
			reply.Metadata[name] = value
		}
	}
	return reply, nil
}

func (*Provider) Fail(_ context.Context, req *pb.FailRequest) (*pb.FailReply, error) {
	if req.GetReason() == "plain" {
		return nil, errors.New(req.GetMessage())
	}
	return nil, triple.NewError(triple.Code(req.GetCode()), errors.New(req.GetMessage()))
}

func (*Provider) Wait(ctx context.Context, req *pb.WaitRequest) (*pb.WaitReply, error) {
	budget, err := probe.Wait(ctx, req.GetMillis())
	if err != nil {
		return nil, triple.NewError(triple.CodeDeadlineExceeded, err)
	}
	return &pb.WaitReply{BudgetMillis: budget}, nil
}

func (*Provider) Count(_ context.Context, req *pb.CountRequest, stream *triple.ServerStream) error {
	for n := uint32(1); n <= req.GetUpto(); n++ {
		if err := stream.Send(&pb.Number{Number: n}); err != nil {
			return err
		}
	}
	return nil
}

func (*Provider) Sum(_ context.Context, stream *triple.ClientStream) (*pb.Number, error) {
	sum := &pb.Number{}
	for stream.Receive(new(pb.Number)) {
		sum.Number += stream.Msg().(*pb.Number).GetNumber()
	}
	return sum, stream.Err()
}

func (*Provider) Chat(_ context.Context, stream *triple.BidiStream) error {
	for {
		next := new(pb.EchoRequest)
		err := stream.Receive(next)
		if errors.Is(err, io.EOF) {
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

// describe is what the framework needs to know of the service.
func describe(name string) *common.ServiceInfo {
	return &common.ServiceInfo{
		InterfaceName: name,
		ServiceType:   (*Provider)(nil),
		Methods: []common.MethodInfo{
			unary("Echo", (*Provider).Echo),
			unary("Fail", (*Provider).Fail),
			unary("Wait", (*Provider).Wait),
			{
				Name: "Count", Type: constant.CallServerStream,
				ReqInitFunc:    func() any { return new(pb.CountRequest) },
				StreamInitFunc: func(s any) any { return s },
				MethodFunc: func(ctx context.Context, args []any, p any) (any, error) {
					return nil, p.(*Provider).Count(ctx, args[0].(*pb.CountRequest), args[1].(*triple.ServerStream))
				},
			},
			{
				Name: "Sum", Type: constant.CallClientStream,
				StreamInitFunc: func(s any) any { return s },
				MethodFunc: func(ctx context.Context, args []any, p any) (any, error) {
					sum, err := p.(*Provider).Sum(ctx, args[0].(*triple.ClientStream))
					if err != nil {
						return nil, err
					}
					return triple.NewResponse(sum), nil
				},
			},
			{
				Name: "Chat", Type: constant.CallBidiStream,
				StreamInitFunc: func(s any) any { return s },
				MethodFunc: func(ctx context.Context, args []any, p any) (any, error) {
					return nil, p.(*Provider).Chat(ctx, args[0].(*triple.BidiStream))
				},
			},
		},
	}
}

// unary describes a method with one reply.
func unary[Q, R any](name string, call func(*Provider, context.Context, *Q) (*R, error)) common.MethodInfo {
	return common.MethodInfo{
		Name: name, Type: constant.CallUnary,
		ReqInitFunc: func() any { return new(Q) },
		MethodFunc: func(ctx context.Context, args []any, p any) (any, error) {
			reply, err := call(p.(*Provider), ctx, args[0].(*Q))
			if err != nil {
				return nil, err
			}
			return triple.NewResponse(reply), nil
		},
	}
}
