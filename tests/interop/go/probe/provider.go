package probe

import (
	"context"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"jovian/interop/probe/pb"
)

// Name is who the providers of all frameworks say that they are.
const Name = "go"

// Provider implements ProbeService for every framework whose server is grpc-go.
type Provider struct {
	pb.UnimplementedProbeServiceServer
	// Error makes the framework's own error out of a request.
	Error func(*pb.FailRequest) error
}

func (p *Provider) Echo(ctx context.Context, req *pb.EchoRequest) (*pb.EchoReply, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	return &pb.EchoReply{Text: req.GetText(), Metadata: Texts(md), Provider: Name}, nil
}

// Texts are the metadata that an Echo answers with.
func Texts(md map[string][]string) map[string]string {
	seen := make(map[string]string, len(md))
	for name, values := range md {
		if value := strings.Join(values, ", "); value != "" && !strings.HasSuffix(name, "-bin") {
			seen[name] = value
		}
	}
	return seen
}

func (p *Provider) Fail(_ context.Context, req *pb.FailRequest) (*pb.FailReply, error) {
	return nil, p.Error(req)
}

func (p *Provider) Wait(ctx context.Context, req *pb.WaitRequest) (*pb.WaitReply, error) {
	budget, err := Wait(ctx, req.GetMillis())
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return &pb.WaitReply{BudgetMillis: budget}, nil
}

// Wait waits, and gives what was left until the deadline when it began; or the context's own error.
func Wait(ctx context.Context, millis uint32) (budget uint32, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		budget = uint32(max(time.Until(deadline).Milliseconds(), 0))
	}
	select {
	case <-time.After(time.Duration(millis) * time.Millisecond):
		return budget, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p *Provider) Count(req *pb.CountRequest, stream pb.ProbeService_CountServer) error {
	for n := uint32(1); n <= req.GetUpto(); n++ {
		if err := stream.Send(&pb.Number{Number: n}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) Sum(stream pb.ProbeService_SumServer) error {
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

func (p *Provider) Chat(stream pb.ProbeService_ChatServer) error {
	for {
		next, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = stream.Send(&pb.EchoReply{Text: next.GetText(), Provider: Name})
		}
		if err != nil {
			return err
		}
	}
}
