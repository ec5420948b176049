package probe

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Called is what came of calls that were made all the time.
type Called struct {
	Calls  int            `json:"calls"`
	Errors map[string]int `json:"errors"` // how often calls failed with what
	Last   []string       `json:"last"`   // who answered in the last second
}

// callers is how many calls are under way at a time.
const callers = 8

// keepCalling calls for so long.
func keepCalling(client Found, lasting time.Duration) Called {
	called := Called{Errors: map[string]int{}, Last: []string{}}
	end := time.Now().Add(lasting)
	var lock sync.Mutex
	call := func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		isLast := time.Until(end) < time.Second
		name, err := client.Who(ctx)
		lock.Lock()
		defer lock.Unlock()
		called.Calls++
		if err != nil {
			called.Errors[err.Error()]++
		} else if isLast && !slices.Contains(called.Last, name) {
			called.Last = append(called.Last, name)
		}
	}
	var all sync.WaitGroup
	for i := 0; i < callers; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(end) {
				call()
				// The machine is shared with those who answer.
				time.Sleep(time.Millisecond)
			}
		}()
	}
	all.Wait()
	return called
}
