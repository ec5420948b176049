// A program on Kratos: a gRPC server in etcd or Nacos, or a client that finds one there.
package main

import (
	"flag"
	"log"

	"jovian/interop/probe"
)

// settings are the flags of this program alone.
type settings struct {
	namespace string
	group     string
	cluster   string
}

func main() {
	var s settings
	o := probe.Parse("etcd, nacos", func(fs *flag.FlagSet) {
		fs.StringVar(&s.namespace, "namespace", "", "id of a namespace in Nacos")
		fs.StringVar(&s.group, "group", "DEFAULT_GROUP", "group in Nacos")
		fs.StringVar(&s.cluster, "cluster", "DEFAULT", "cluster in Nacos")
	})
	registry, suffix, err := open(o, s)
	if err != nil {
		log.Fatal(err)
	}
	switch o.Role {
	case "provider":
		provide(o, registry)
	case "finder":
		probe.Find(func(sought probe.Sought) (probe.Found, error) { return probe.Conn(dial(sought.Name+suffix, registry)) })
	default:
		consume(o, o.Name+suffix, registry)
	}
}
