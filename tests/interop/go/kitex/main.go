// A program on Kitex: a gRPC server in etcd, or a client that finds one there.
package main

import "jovian/interop/probe"

func main() {
	if o := probe.Parse("etcd", nil); o.Role == "provider" {
		provide(o)
	} else {
		consume(o)
	}
}
