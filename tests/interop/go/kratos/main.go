// A program on Kratos: a gRPC server in etcd, or a client that finds one there.
package main

import (
	"log"

	"github.com/go-kratos/kratos/contrib/registry/etcd/v2"
	clientv3 "go.etcd.io/etcd/client/v3"

	"jovian/interop/probe"
)

func main() {
	o := probe.Parse("etcd", nil)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{o.Registry}})
	if err != nil {
		log.Fatal(err)
	}
	registry := etcd.New(client)
	switch o.Role {
	case "provider":
		provide(o, registry)
	case "finder":
		probe.Find(func(sought probe.Sought) (probe.Found, error) { return probe.Conn(dial(sought.Name, registry)) })
	default:
		consume(o, registry)
	}
}
