"""Calls services of other people's IDL, served by generated Rust: `client.py ADDRESS CASE`."""

import os
import sys

import grpc

sys.path.insert(0, os.environ["INTEROP_STUBS"])


def trace(channel):
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb, trace_service_pb2_grpc
    from opentelemetry.proto.common.v1 import common_pb2
    from opentelemetry.proto.trace.v1 import trace_pb2

    stub = trace_service_pb2_grpc.TraceServiceStub(channel)
    attribute = common_pb2.KeyValue(key="http.method", value=common_pb2.AnyValue(string_value="GET"))
    span = trace_pb2.Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="GET /orders",
        kind=trace_pb2.Span.SPAN_KIND_SERVER,
        start_time_unix_nano=2**63,
        attributes=[attribute],
        status=trace_pb2.Status(code=trace_pb2.Status.STATUS_CODE_ERROR),
    )
    spans = trace_pb2.ResourceSpans(scope_spans=[trace_pb2.ScopeSpans(spans=[span, trace_pb2.Span()])])
    reply = stub.Export(pb.ExportTraceServiceRequest(resource_spans=[spans, spans]), timeout=10)
    # One span of each pair has no name, and is refused.
    assert reply.partial_success.rejected_spans == 2, reply
    assert reply.partial_success.error_message == "first accepted: GET /orders, 16 bytes, http.method", reply


def operations(channel):
    from google.longrunning import operations_pb2 as pb, operations_pb2_grpc
    from google.protobuf import empty_pb2, wrappers_pb2

    stub = operations_pb2_grpc.OperationsStub(channel)
    names = [operation.name for operation in stub.ListOperations(pb.ListOperationsRequest(), timeout=10).operations]
    assert names == ["operations/done", "operations/failed"], names
    done = stub.GetOperation(pb.GetOperationRequest(name="operations/done"), timeout=10)
    value = wrappers_pb2.StringValue()
    assert done.done and done.response.Unpack(value) and value.value == "forty-two", done
    failed = stub.GetOperation(pb.GetOperationRequest(name="operations/failed"), timeout=10)
    assert failed.WhichOneof("result") == "error" and failed.error.code == 5, failed
    assert stub.DeleteOperation(pb.DeleteOperationRequest(name="operations/done"), timeout=10) == empty_pb2.Empty()
    try:
        stub.GetOperation(pb.GetOperationRequest(name="operations/missing"), timeout=10)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
    else:
        raise AssertionError("there is no such operation")


def main(address, case):
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        {"trace": trace, "operations": operations}[case](channel)


if __name__ == "__main__":
    main(*sys.argv[1:])
