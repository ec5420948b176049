package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/go-kratos/kratos/contrib/registry/etcd/v2"
	"github.com/go-kratos/kratos/contrib/registry/nacos/v2"
	"github.com/go-kratos/kratos/v2/registry"
	"github.com/nacos-group/nacos-sdk-go/clients"
	"github.com/nacos-group/nacos-sdk-go/common/constant"
	"github.com/nacos-group/nacos-sdk-go/vo"
	clientv3 "go.etcd.io/etcd/client/v3"

	"jovian/interop/probe"
)

// store is where servers are written and found.
type store interface {
	registry.Registrar
	registry.Discovery
}

// open gives the store, and what stands behind the names of servers there.
func open(o probe.Options, s settings) (store, string, error) {
	switch o.Kind {
	case "etcd":
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{o.Registry}})
		return etcd.New(client), "", err
	case "nacos":
		store, err := inNacos(o.Registry, s)
		return store, ".grpc", err
	default:
		return nil, "", fmt.Errorf("unknown kind %q", o.Kind)
	}
}

func inNacos(address string, s settings) (store, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	client, err := clients.NewNamingClient(vo.NacosClientParam{
		// What another process wrote down on this disk is not what the server says.
		ClientConfig:  &constant.ClientConfig{NamespaceId: s.namespace, NotLoadCacheAtStart: true},
		ServerConfigs: []constant.ServerConfig{{IpAddr: host, Port: number}},
	})
	return nacos.New(client, nacos.WithGroup(s.group), nacos.WithCluster(s.cluster)), err
}
