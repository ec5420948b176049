package probe

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"jovian/interop/probe/pb"
)

// Patience is how long a call may take that has no reason to take long: a loaded machine is not what is checked.
const Patience = 20 * time.Second

// Unlimited lets a client of grpc-go read more than its usual 4 MiB.
func Unlimited() grpc.DialOption {
	return grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(LargeLimit))
}

// LargeLimit is what has to be allowed for CheckLarge.
const LargeLimit = 8 << 20

// Large is a text of 5 MiB.
var Large = strings.Repeat("0123456789abcdef", 5<<20/16)

// CheckEcho sends a text and wants it back, and each of the named metadata at the provider. A name with a value wants
// that value, one without only wants the name.
func CheckEcho(r *Report, ctx context.Context, c pb.ProbeServiceClient, metadata map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	reply, err := c.Echo(ctx, &pb.EchoRequest{Text: "héllo"})
	if err != nil {
		r.Check("echo", err, nil)
		return
	}
	err = Want("text", reply.GetText(), "héllo")
	for name, value := range metadata {
		got, there := reply.GetMetadata()[name]
		if !there {
			err = First(err, fmt.Errorf("the provider did not get %s", name))
		} else if value != "" {
			err = First(err, Want(name, got, value))
		}
	}
	r.Check("echo", err, reply.GetMetadata())
}

// CheckWire checks what has nothing to do with any framework: large messages, deadlines, streams of all kinds.
func CheckWire(r *Report, c pb.ProbeServiceClient) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	reply, err := c.Echo(ctx, &pb.EchoRequest{Text: Large})
	r.Check("large", First(err, Want("length", len(reply.GetText()), len(Large))), nil)
	CheckDeadline(r, func(ctx context.Context, millis uint32) (uint32, error) {
		reply, err := c.Wait(ctx, &pb.WaitRequest{Millis: millis})
		return reply.GetBudgetMillis(), err
	}, func(err error) error { return Want("code", status.Code(err), codes.DeadlineExceeded) })
	checkCount(r, ctx, c)
	checkSum(r, ctx, c)
	checkChat(r, ctx, c)
}

// CheckDeadline wants the provider to see the caller's deadline, and a late answer to end in time, with the error that late
// finds to be the framework's own for it.
func CheckDeadline(r *Report, wait func(context.Context, uint32) (uint32, error), late func(error) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	budget, err := wait(ctx, 1)
	if err == nil && (budget == 0 || budget > 5000) {
		err = fmt.Errorf("the provider saw a budget of %d ms, want 1 to 5000", budget)
	}
	r.Check("deadline-seen", err, budget)

	soon, cancelSoon := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancelSoon()
	begin := time.Now()
	_, err = wait(soon, 30000)
	took, said := time.Since(begin), fmt.Sprint(err)
	if err == nil {
		err = fmt.Errorf("answered after the deadline")
	} else {
		err = late(err)
	}
	if took > 10*time.Second {
		err = First(err, fmt.Errorf("took %v", took))
	}
	r.Check("deadline-exceeded", err, said)
}

// checkCount wants the numbers 1 to 5 of a server stream.
func checkCount(r *Report, ctx context.Context, c pb.ProbeServiceClient) {
	stream, err := c.Count(ctx, &pb.CountRequest{Upto: 5})
	var got []uint32
	for err == nil {
		var reply *pb.Number
		if reply, err = stream.Recv(); err == nil {
			got = append(got, reply.GetNumber())
		}
	}
	if err == io.EOF {
		err = Want("numbers", fmt.Sprint(got), "[1 2 3 4 5]")
	}
	r.Check("count", err, got)
}

// checkSum wants 15 of a client stream of the numbers 1 to 5.
func checkSum(r *Report, ctx context.Context, c pb.ProbeServiceClient) {
	stream, err := c.Sum(ctx)
	for n := uint32(1); err == nil && n <= 5; n++ {
		err = stream.Send(&pb.Number{Number: n})
	}
	var sum *pb.Number
	if err == nil {
		sum, err = stream.CloseAndRecv()
	}
	r.Check("sum", First(err, Want("sum", sum.GetNumber(), 15)), sum.GetNumber())
}

// checkChat wants each text back before it sends the next one.
func checkChat(r *Report, ctx context.Context, c pb.ProbeServiceClient) {
	stream, err := c.Chat(ctx)
	for _, text := range []string{"a", "b", "c"} {
		if err == nil {
			err = stream.Send(&pb.EchoRequest{Text: text})
		}
		var reply *pb.EchoReply
		if err == nil {
			reply, err = stream.Recv()
		}
		err = First(err, Want("text", reply.GetText(), text))
	}
	if err == nil {
		err = stream.CloseSend()
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

// Who is CheckFrom's question for clients of grpc-go.
func Who(c pb.ProbeServiceClient) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		reply, err := c.Echo(ctx, &pb.EchoRequest{Text: "who"})
		return reply.GetProvider(), err
	}
}

// CheckFrom calls until everybody who is to answer has answered.
func CheckFrom(r *Report, want []string, who func(context.Context) (string, error)) {
	if len(want) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	got := map[string]int{}
	missing := func() (names []string) {
		for _, name := range want {
			if got[name] == 0 {
				names = append(names, name)
			}
		}
		return names
	}
	var err error
	for err == nil && len(missing()) > 0 {
		var name string
		if name, err = who(ctx); err == nil {
			got[name]++
		}
		time.Sleep(time.Millisecond)
	}
	if err != nil {
		err = fmt.Errorf("%v never answered: %w", missing(), err)
	}
	r.Check("from", err, got)
}
