// Follows services in etcd with go-zero's own discovery, and says when it knows of an instance.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/logx"
)

func main() {
	logx.Disable()
	services, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	counts := make([]atomic.Int64, services)
	for service := range services {
		follow(os.Args[1], service, &counts[service])
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		sum := int64(0)
		for service := range counts {
			sum += counts[service].Load()
		}
		fmt.Println("count", sum)
	}
}

func follow(endpoint string, service int, count *atomic.Int64) {
	subscriber, err := discov.NewSubscriber([]string{endpoint}, fmt.Sprintf("bench.scale.s%d", service))
	if err != nil {
		log.Fatal(err)
	}
	var one sync.Mutex
	next := 0
	// As its resolver does: the list is asked for when something has changed.
	update := func() {
		one.Lock()
		defer one.Unlock()
		values := subscriber.Values()
		count.Store(int64(len(values)))
		for service == 0 {
			wanted, found := fmt.Sprintf("192.168.%d.%d:9000", next/250, 1+next%250), false
			for _, value := range values {
				if value == wanted {
					found = true
					break
				}
			}
			if !found {
				return
			}
			fmt.Println("probe", next, time.Now().UnixNano())
			next++
		}
	}
	subscriber.AddListener(update)
	update()
}
