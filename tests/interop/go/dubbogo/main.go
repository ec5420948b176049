// A program on dubbo-go: a triple server in ZooKeeper, etcd or Nacos, or a client that finds one there.
package main

import (
	"flag"
	"log"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/protocol/triple"
	"dubbo.apache.org/dubbo-go/v3/registry"

	"jovian/interop/probe"
)

// largeLimit is what has to be allowed for messages of 5 MiB, in dubbo-go's words.
const largeLimit = "8mib"

// settings are the flags of this program alone.
type settings struct {
	level      string
	iface      string
	group      string
	version    string
	providedBy string
	namespace  string
	remote     bool
}

func main() {
	var s settings
	o := probe.Parse("zookeeper, etcdv3, nacos", func(fs *flag.FlagSet) {
		fs.StringVar(&s.level, "level", "interface", "registration: interface, service (application level), all or default")
		fs.StringVar(&s.iface, "interface", "interop.probe.v1.ProbeService", "interface name in the registry")
		fs.StringVar(&s.group, "group", "", "service group")
		fs.StringVar(&s.version, "version", "", "service version")
		fs.StringVar(&s.providedBy, "provided-by", "", "consumer: application that provides the interface")
		fs.StringVar(&s.namespace, "namespace", "", "id of a namespace in Nacos")
		fs.BoolVar(&s.remote, "remote-metadata", false, "keep application level metadata in the registry, not in a service")
	})
	options := []dubbo.InstanceOption{
		dubbo.WithName(o.Name),
		dubbo.WithRegistry(registryOptions(o, s)...),
	}
	if o.Role == "provider" {
		options = append(options, dubbo.WithProtocol(
			protocol.WithTriple(triple.WithMaxServerRecvMsgSize(largeLimit)), protocol.WithIp(o.Host), protocol.WithPort(o.Port)))
	}
	if s.remote {
		options = append(options, dubbo.WithRemoteMetadata())
	}
	instance, err := dubbo.NewInstance(options...)
	if err != nil {
		log.Fatal(err)
	}
	switch o.Role {
	case "provider":
		provide(instance, o, s)
	case "finder":
		probe.Find(finder(instance, s))
	default:
		consume(instance, o, s)
	}
}

func registryOptions(o probe.Options, s settings) []registry.Option {
	options := []registry.Option{registry.WithRegistry(o.Kind), registry.WithAddress(o.Registry)}
	if s.namespace != "" {
		options = append(options, registry.WithNamespace(s.namespace))
	}
	switch s.level {
	case "interface":
		options = append(options, registry.WithRegisterInterface())
	case "service":
		options = append(options, registry.WithRegisterService())
	case "all":
		options = append(options, registry.WithRegisterServiceAndInterface())
	case "default": // whatever the framework does when nothing is said
	default:
		log.Fatalf("unknown level %q", s.level)
	}
	return options
}
