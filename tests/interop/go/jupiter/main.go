// A program on Jupiter: a gRPC server in Jupiter's etcd registry, or a client that finds one there.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/douyu/jupiter"
	"github.com/douyu/jupiter/pkg"
	"github.com/douyu/jupiter/pkg/conf"

	"jovian/interop/probe"
)

func main() {
	var mode string
	o := probe.Parse("etcd", func(fs *flag.FlagSet) {
		fs.StringVar(&mode, "mode", "dev", "jupiter.mode, the last part of the registry prefix")
	})
	pkg.SetName(o.Name)
	if pkg.AppLogDir() == "" {
		pkg.SetAppLogDir(os.TempDir())
	}
	app := jupiter.DefaultApp()
	if err := conf.LoadFromReader(strings.NewReader(document(o, mode)), toml.Unmarshal); err != nil {
		log.Fatal(err)
	}
	switch o.Role {
	case "provider":
		provide(app)
	case "finder":
		probe.Find(find)
	default:
		consume(o)
	}
}

// document is the configuration that an application of Jupiter has in its file. Without a section for traces its clients
// send no trace; nobody has to listen there.
func document(o probe.Options, mode string) string {
	var doc strings.Builder
	fmt.Fprintf(&doc, "[jupiter]\nmode = %q\n", mode)
	fmt.Fprintf(&doc, "[jupiter.registry.default]\nendpoints = [%q]\n", o.Registry)
	fmt.Fprintf(&doc, "[jupiter.server.grpc]\nhost = %q\nport = %d\n", o.Host, o.Port)
	fmt.Fprintf(&doc, "[jupiter.server.govern]\nhost = %q\nport = 0\n", o.Host)
	fmt.Fprintf(&doc, "[jupiter.grpc.probe]\naddr = \"etcd:///grpc:%s:v1:%s\"\n", o.Name, mode)
	fmt.Fprintf(&doc, "[jupiter.trace.jaeger]\nendpoint = \"http://127.0.0.1:1/api/traces\"\nsampler = 1.0\n")
	return doc.String()
}
