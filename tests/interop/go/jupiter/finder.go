package main

import (
	"fmt"
	"time"

	grpcclient "github.com/douyu/jupiter/pkg/client/grpc"

	"jovian/interop/probe"
)

func find(sought probe.Sought) (probe.Found, error) {
	config := grpcclient.StdConfig("probe")
	config.Addr = fmt.Sprintf("etcd:///grpc:%s:v1:%s", sought.Name, sought.Mode)
	// How long it waits for the first connection; it goes on without one.
	config.DialTimeout = time.Second
	return probe.Conn(config.Build())
}
