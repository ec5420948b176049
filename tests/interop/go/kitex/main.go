// A program on Kitex: a gRPC server in etcd, or a client that finds one there.
package main

import "jovian/interop/probe"

func main() {
	switch o := probe.Parse("etcd", nil); o.Role {
	case "provider":
		provide(o)
	case "finder":
		probe.Find(func(sought probe.Sought) (probe.Found, error) { return find(o, sought) })
	default:
		consume(o)
	}
}
