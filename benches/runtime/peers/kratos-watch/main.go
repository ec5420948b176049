// Follows services in etcd with Kratos' own discovery, and says when it knows of an instance.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-kratos/kratos/contrib/registry/etcd/v2"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func main() {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}})
	if err != nil {
		log.Fatal(err)
	}
	services, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	registry := etcd.New(client)
	counts := make([]atomic.Int64, services)
	for service := range services {
		go follow(registry, service, &counts[service])
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		sum := int64(0)
		for service := range counts {
			sum += counts[service].Load()
		}
		fmt.Println("count", sum)
	}
}

func follow(registry *etcd.Registry, service int, count *atomic.Int64) {
	watcher, err := registry.Watch(context.Background(), fmt.Sprintf("bench.scale.s%d", service))
	if err != nil {
		log.Fatal(err)
	}
	for next := 0; ; {
		instances, err := watcher.Next()
		if err != nil {
			log.Fatal(err)
		}
		count.Store(int64(len(instances)))
		for service == 0 {
			wanted, found := fmt.Sprintf("grpc://192.168.%d.%d:9000", next/250, 1+next%250), false
			for _, instance := range instances {
				if len(instance.Endpoints) > 0 && instance.Endpoints[0] == wanted {
					found = true
					break
				}
			}
			if !found {
				break
			}
			fmt.Println("probe", next, time.Now().UnixNano())
			next++
		}
	}
}
