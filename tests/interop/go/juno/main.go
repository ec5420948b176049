// A program on the part of juno-agent that tells Prometheus what stands in etcd: a file for each process that can be asked for
// its metrics, until the program is ended.
package main

import (
	"flag"
	"fmt"
	"log"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/douyu/juno-agent/pkg/proxy/regProxy/etcd"
	"github.com/douyu/jupiter/pkg/conf"

	"jovian/interop/probe"
)

func main() {
	var targets string
	o := probe.Parse("etcd", func(fs *flag.FlagSet) {
		fs.StringVar(&targets, "targets", "", "folder of the files")
	})
	if o.Role != "provider" {
		log.Fatal("an agent provides files, and nothing else")
	}
	document := fmt.Sprintf("[jupiter.etcdv3.register]\nendpoints = [%q]\nsecure = false\n", o.Registry)
	if err := conf.LoadFromReader(strings.NewReader(document), toml.Unmarshal); err != nil {
		log.Fatal(err)
	}
	etcd.NewETCDDataSource(etcd.PluginRegProxyPrometheus{Enable: true, Path: targets})
	probe.Ready(o.Registry)
	select {}
}
