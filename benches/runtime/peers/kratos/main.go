// The service of the benchmark on Kratos: kratos [logged] PORT.
//
// With recovery alone, or also with spans, metrics and a line of log, as its layout for new projects has them.
package main

import (
	stdlog "log"
	"os"
	"time"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/middleware"
	"github.com/go-kratos/kratos/v2/middleware/logging"
	"github.com/go-kratos/kratos/v2/middleware/metrics"
	"github.com/go-kratos/kratos/v2/middleware/recovery"
	"github.com/go-kratos/kratos/v2/middleware/tracing"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	"go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"jovian/bench/peers/pb"
)

func main() {
	layers := []middleware.Middleware{recovery.Recovery()}
	if os.Args[1] == "logged" {
		layers = append(layers, observed()...)
	}
	server := grpc.NewServer(
		grpc.Address("127.0.0.1:"+os.Args[len(os.Args)-1]),
		grpc.Timeout(time.Minute),
		grpc.Middleware(layers...),
	)
	pb.RegisterBenchServiceServer(server, pb.Service{})
	quiet := log.NewFilter(log.NewStdLogger(os.Stderr), log.FilterLevel(log.LevelError))
	must(kratos.New(kratos.Name("bench"), kratos.Logger(quiet), kratos.Server(server)).Run())
}

func observed() []middleware.Middleware {
	exporter, err := prometheus.New()
	must(err)
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)).Meter("bench")
	requests, err := metrics.DefaultRequestsCounter(meter, metrics.DefaultServerRequestsCounterName)
	must(err)
	seconds, err := metrics.DefaultSecondsHistogram(meter, metrics.DefaultServerSecondsHistogramName)
	must(err)
	return []middleware.Middleware{
		tracing.Server(tracing.WithTracerProvider(sdktrace.NewTracerProvider())),
		metrics.Server(metrics.WithRequests(requests), metrics.WithSeconds(seconds)),
		logging.Server(log.NewStdLogger(os.Stdout)),
	}
}

func must(err error) {
	if err != nil {
		stdlog.Fatal(err)
	}
}
