// Package probe is what the programs of all frameworks share: flags, the provider's behaviour, and the consumer's checks.
package probe

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Options are the flags that every program understands.
type Options struct {
	Role     string   // provider, consumer or finder
	Registry string   // host:port of the registry
	Kind     string   // registry kind, for frameworks that have several
	Name     string   // service name in the registry
	Host     string   // address a provider listens on and registers
	Port     int      // port of a provider
	From     []string // who is to answer a consumer, as they name themselves in replies
	Health   bool     // whether a consumer watches the health of its provider
	Rust     bool     // whether a consumer checks what a provider in Rust does and others do not
	Through  bool     // whether a consumer only looks at what arrives behind its provider
}

// Parse reads the role and the flags; more adds a framework's own flags.
func Parse(kinds string, more func(*flag.FlagSet)) Options {
	if len(os.Args) < 2 || !slices.Contains([]string{"provider", "consumer", "finder"}, os.Args[1]) {
		fmt.Fprintf(os.Stderr, "usage: %s provider|consumer|finder [flags]\n", os.Args[0])
		os.Exit(2)
	}
	o := Options{Role: os.Args[1]}
	fs := flag.NewFlagSet(o.Role, flag.ExitOnError)
	fs.StringVar(&o.Registry, "registry", "127.0.0.1:2379", "registry address; several with commas where the framework takes several")
	fs.StringVar(&o.Kind, "kind", "etcd", "registry kind: "+kinds)
	fs.StringVar(&o.Name, "name", "probe", "service name in the registry")
	from := fs.String("from", "", "consumer: providers that have to answer at least once, with commas: go,rust")
	fs.BoolVar(&o.Health, "health", false, "consumer: watch the health of the server and of the service")
	fs.BoolVar(&o.Rust, "rust", false, "consumer: check what a provider in Rust does and others do not: methods as Java spells them, details of errors")
	fs.BoolVar(&o.Through, "through", false, "consumer: only show what metadata a provider behind the provider gets")
	fs.StringVar(&o.Host, "host", "127.0.0.1", "provider: address to listen on and to register")
	fs.IntVar(&o.Port, "port", 0, "provider: port, 0 for any free one")
	if more != nil {
		more(fs)
	}
	_ = fs.Parse(os.Args[2:])
	if *from != "" {
		o.From = strings.Split(*from, ",")
	}
	os.Args = os.Args[:1] // some frameworks parse it themselves and reject flags they do not know
	return o
}
