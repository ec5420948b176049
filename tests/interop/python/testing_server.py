"""Serves the interoperability tests of gRPC: prints its port, and ends when its standard input does."""

import sys
import time
from concurrent import futures

import grpc

from testing import INITIAL, MEGABYTE, OPTIONS, TRAILING, payload, pb, pb_grpc


def echo(context):
    """Gives back the metadata that the tests name, bytes as they came."""
    came = context.invocation_metadata()
    context.send_initial_metadata([(key, value) for key, value in came if key == INITIAL])
    context.set_trailing_metadata([(key, value) for key, value in came if key == TRAILING])


def end(context, status):
    if status.code:
        code = {code.value[0]: code for code in grpc.StatusCode}[status.code]
        context.abort(code, status.message)


def compress(context, wanted):
    if wanted.value:
        context.set_compression(grpc.Compression.Gzip)


class TestService(pb_grpc.TestServiceServicer):
    def EmptyCall(self, request, context):
        return pb.Empty()

    def UnaryCall(self, request, context):
        compress(context, request.response_compressed)
        echo(context)
        end(context, request.response_status)
        return pb.SimpleResponse(payload=payload(request.response_size))

    def StreamingOutputCall(self, request, context):
        compress(context, pb.BoolValue(value=any(p.compressed.value for p in request.response_parameters)))
        echo(context)
        yield from self.output(request, context)

    def StreamingInputCall(self, requests, context):
        total, first = 0, True
        for request in requests:
            size = len(request.payload.body)
            if first and size == MEGABYTE:
                # Beyond the description: whose first message is a mebibyte wants a slow reader.
                time.sleep(1)
            first = False
            total += size
            if size == 0:
                # And who sends nothing wants an answer now.
                break
        return pb.StreamingInputCallResponse(aggregated_payload_size=total)

    def FullDuplexCall(self, requests, context):
        echo(context)
        for request in requests:
            yield from self.output(request, context)
            end(context, request.response_status)

    def output(self, request, context):
        began, early = time.monotonic(), 0
        for parameters in request.response_parameters:
            if parameters.interval_us:
                time.sleep(parameters.interval_us / 1e6)
            if parameters.HasField("compressed") and not parameters.compressed.value:
                context.disable_next_message_compression()
            yield pb.StreamingOutputCallResponse(payload=payload(parameters.size))
            early += time.monotonic() - began < 0.7
        if len(request.response_parameters) > 100:
            # How many went before the first 700 ms were over.
            context.set_trailing_metadata((("x-early", str(early)),))


def main():
    options = [*OPTIONS, ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=options)
    pb_grpc.add_TestServiceServicer_to_server(TestService(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
