package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"

	"jovian/interop/probe/pb"
)

// Sought is what a finder is to look for: a line of JSON on its standard input.
type Sought struct {
	Name   string   // what it is called in the registry
	Mode   string   // of Jupiter
	Expect []string // who is to be found, as they name themselves in replies
	Millis int      // for how long calls are made all the time when they have been found
}

// Found is a client that looks for somebody.
type Found struct {
	Who func(context.Context) (string, error) // calls, and says who answered
	End func()
}

// Conn is Found for clients of grpc-go.
func Conn(conn *grpc.ClientConn, err error) (Found, error) {
	if err != nil {
		return Found{}, err
	}
	return Found{Who: Who(pb.NewProbeServiceClient(conn)), End: func() { _ = conn.Close() }}, nil
}

// aWhile is how long a finder goes on when everybody has answered who is to answer, so that others have the time to do so, too.
const aWhile = 1500 * time.Millisecond

// Find looks with a client of its own for whatever a line of standard input says, and prints a line that says who answered,
// and with what errors calls failed. If it is to go on with calls, another line says what came of them.
func Find(dial func(Sought) (Found, error)) {
	r := &Report{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var sought Sought
		if err := json.Unmarshal(lines.Bytes(), &sought); err != nil {
			r.Check("sought", err, nil)
			break
		}
		client, err := dial(sought)
		if err != nil {
			r.Check("found", nil, map[string]any{"names": []string{}, "errors": []string{err.Error()}})
			continue
		}
		names, errors := find(sought, client)
		r.Check("found", nil, map[string]any{"names": names, "errors": errors})
		if sought.Millis > 0 {
			r.Check("called", nil, keepCalling(client, time.Duration(sought.Millis)*time.Millisecond))
		}
		client.End()
	}
	r.Exit()
}

func find(sought Sought, client Found) (names, errors []string) {
	names, errors = []string{}, []string{}
	isMissing := func(name string) bool { return !slices.Contains(names, name) }
	end, last := time.Now().Add(Patience), time.Time{}
	for now := time.Now(); now.Before(end) && (last.IsZero() || now.Before(last)); now = time.Now() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		name, err := client.Who(ctx)
		cancel()
		if err != nil {
			if !slices.Contains(errors, err.Error()) && len(errors) < 10 {
				errors = append(errors, err.Error())
			}
		} else if isMissing(name) {
			names = append(names, name)
		}
		if last.IsZero() && !slices.ContainsFunc(sought.Expect, isMissing) {
			last = time.Now().Add(aWhile)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return names, errors
}
