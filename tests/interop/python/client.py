"""Calls a courier served elsewhere: `client.py ADDRESS CASE`. Ends with 0 when the case holds."""

import sys
import threading

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from stubs import DOMAIN, SERVICE, TOKEN, parcel, pb, pb_grpc

MEGABYTES = 5 * 1024 * 1024


def failure(call, code):
    """The error of `call`, which has to be `code`."""
    try:
        result = call()
        # A stream fails when it is read.
        if not isinstance(result, tuple) and hasattr(result, "__iter__"):
            list(result)
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()}: {error.details()}"
        return error
    raise AssertionError(f"the call worked; {code} was due")


def error_info(error):
    """The one detail of a domain error."""
    status = rpc_status.from_call(error)
    assert status is not None, "no grpc-status-details-bin"
    assert status.code == error.code().value[0] and status.message == error.details(), status
    (detail,) = status.details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info), detail.type_url
    return info


def unary(channel, courier):
    sent = parcel()
    assert courier.Weigh(pb.WeighRequest(parcel=sent), timeout=10).parcel == sent
    # A message with nothing in it is zero bytes, and still a message.
    assert courier.Weigh(pb.WeighRequest(), timeout=10) == pb.WeighReply()


def client_stream(channel, courier):
    total = courier.Load((parcel(grams=n) for n in range(1000)), timeout=10)
    assert total == pb.Manifest(parcels=1000, grams=499500), total
    assert courier.Load(iter(()), timeout=10) == pb.Manifest()


def server_stream(channel, courier):
    stops = [stop.number for stop in courier.Track(pb.TrackRequest(stops=1000), timeout=10)]
    assert stops == list(range(1, 1001))
    assert list(courier.Track(pb.TrackRequest(), timeout=10)) == []


def bidi(channel, courier):
    # Each request waits for the answer to the one before: neither side may wait for the other to finish.
    answered = threading.Semaphore(1)

    def parcels():
        for _ in range(100):
            answered.acquire()
            yield parcel(grams=10)

    seen = []
    for manifest in courier.Relay(parcels(), timeout=10):
        seen.append((manifest.parcels, manifest.grams))
        answered.release()
    assert seen == [(n, 10 * n) for n in range(1, 101)], seen
    assert list(courier.Relay(iter(()), timeout=10)) == []


def metadata(channel, courier):
    sent = (("x-note", "a, b; c=d"), ("x-note", "twice"), ("x-token-bin", TOKEN))

    def check(call):
        headers = [(m.key, m.value) for m in call.initial_metadata()]
        trailers = [(m.key, m.value) for m in call.trailing_metadata()]
        if not headers:
            # A call that fails before its first message may be answered in a single block.
            headers = trailers
        assert ("x-note-echo", "a, b; c=d|twice") in headers, headers
        assert ("x-token-echo", TOKEN.hex()) in headers, headers
        assert ("x-done", "yes") in trailers, trailers

    _, call = courier.Weigh.with_call(pb.WeighRequest(), metadata=sent, timeout=10)
    check(call)
    _, call = courier.Load.with_call(iter(()), metadata=sent, timeout=10)
    check(call)
    call = courier.Track(pb.TrackRequest(stops=3), metadata=sent, timeout=10)
    assert len(list(call)) == 3
    check(call)
    call = courier.Relay(iter([parcel()]), metadata=sent, timeout=10)
    assert len(list(call)) == 1
    check(call)
    # Trailers come with an error too.
    request = pb.WeighRequest(ending=pb.ENDING_PLAIN)
    check(failure(lambda: courier.Weigh(request, metadata=sent, timeout=10), grpc.StatusCode.OUT_OF_RANGE))


def deadline(channel, courier):
    held = pb.WeighRequest(hold_ms=60_000)
    failure(lambda: courier.Weigh(held, timeout=0.3), grpc.StatusCode.DEADLINE_EXCEEDED)
    held = pb.TrackRequest(stops=1, hold_ms=60_000)
    failure(lambda: courier.Track(held, timeout=0.3), grpc.StatusCode.DEADLINE_EXCEEDED)


def cancel(channel, courier):
    future = courier.Weigh.future(pb.WeighRequest(hold_ms=60_000))
    call = courier.Track(pb.TrackRequest(stops=1_000_000, hold_ms=1))
    # Once a stop came, both handlers run: they share the connection, and the first was asked for before.
    assert next(call).number == 1
    future.cancel()
    call.cancel()
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.CANCELLED
    assert future.cancelled()
    # The connection is as good as before.
    unary(channel, courier)


def domain_error(channel, courier):
    request = pb.WeighRequest(parcel=parcel(), ending=pb.ENDING_TOO_HEAVY)
    error = failure(lambda: courier.Weigh(request, timeout=10), grpc.StatusCode.FAILED_PRECONDITION)
    assert error.details() == "parcel p-1 weighs 1200 g", error.details()
    info = error_info(error)
    assert (info.reason, info.domain) == ("PARCEL_TOO_HEAVY", DOMAIN), info
    assert dict(info.metadata) == {"id": "p-1", "grams": "1200"}, info

    # Text that a header cannot carry as it is.
    request.parcel.id = "100 % schön\n"
    error = failure(lambda: courier.Weigh(request, timeout=10), grpc.StatusCode.FAILED_PRECONDITION)
    assert error.details() == "parcel 100 % schön\n weighs 1200 g", error.details()
    assert error_info(error).metadata["id"] == "100 % schön\n"

    # At the end of a stream that already sent messages.
    seen = []

    def track():
        for stop in courier.Track(pb.TrackRequest(stops=2, ending=pb.ENDING_UNKNOWN_JOURNEY), timeout=10):
            seen.append(stop.number)

    error = failure(track, grpc.StatusCode.NOT_FOUND)
    assert seen == [1, 2], seen
    info = error_info(error)
    assert (info.reason, info.domain, dict(info.metadata)) == ("JOURNEY_UNKNOWN", DOMAIN, {}), info


def plain_status(channel, courier):
    request = pb.WeighRequest(ending=pb.ENDING_PLAIN)
    error = failure(lambda: courier.Weigh(request, timeout=10), grpc.StatusCode.OUT_OF_RANGE)
    assert error.details() == "beyond the map", error.details()
    assert rpc_status.from_call(error) is None


def unimplemented(channel, courier):
    for path in (f"/{SERVICE}/Burn", "/interop.courier.v1.Bakery/Weigh", "/"):
        call = channel.unary_unary(path)
        failure(lambda: call(b"", timeout=10), grpc.StatusCode.UNIMPLEMENTED)


def malformed(channel, courier):
    # Field 1 announces five bytes and has none. What the server makes of it is its fault's code, never its death.
    call = channel.unary_unary(f"/{SERVICE}/Weigh")
    error = None
    try:
        call(b"\x0a\x05", timeout=10)
    except grpc.RpcError as caught:
        error = caught
    assert error is not None and error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT), error
    unary(channel, courier)


def large(channel, courier):
    sent = parcel(content=b"\xa5" * MEGABYTES)
    assert courier.Weigh(pb.WeighRequest(parcel=sent), timeout=30).parcel == sent
    total = courier.Load((sent for _ in range(4)), timeout=30)
    assert total.parcels == 4


def compressed(channel, courier):
    request = pb.WeighRequest(parcel=parcel(content=b"the same again " * 1000))
    gzip = grpc.Compression.Gzip
    assert courier.Weigh(request, timeout=10, compression=gzip).parcel == request.parcel
    total = courier.Load((parcel(grams=n) for n in range(100)), timeout=10, compression=gzip)
    assert total == pb.Manifest(parcels=100, grams=4950), total
    # What is not understood is told what is.
    error = failure(lambda: courier.Weigh(request, timeout=10, compression=grpc.Compression.Deflate),
                    grpc.StatusCode.UNIMPLEMENTED)
    assert "deflate" in error.details(), error.details()


def concurrent(channel, courier):
    futures = [courier.Weigh.future(pb.WeighRequest(parcel=parcel(grams=n)), timeout=30) for n in range(500)]
    assert [future.result().parcel.grams for future in futures] == list(range(500))


def health(channel, courier):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE):
        reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING, reply
    request = health_pb2.HealthCheckRequest(service="interop.courier.v1.Bakery")
    failure(lambda: stub.Check(request, timeout=10), grpc.StatusCode.NOT_FOUND)
    # A watcher hears of a service that is not there, and keeps watching.
    watch = stub.Watch(request, timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def descriptor(file):
    """The descriptor of a file, without the JSON names that protoc writes to descriptor sets and not to Python."""
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)

    def strip(messages):
        for message in messages:
            for field in message.field:
                field.ClearField("json_name")
            strip(message.nested_type)

    strip(proto.message_type)
    return proto


def reflection(channel, courier):
    database = ProtoReflectionDescriptorDatabase(channel)
    services = database.get_services()
    assert SERVICE in services, services
    pool = DescriptorPool(database)
    service = pool.FindServiceByName(SERVICE)
    assert [method.name for method in service.methods] == ["Weigh", "Load", "Track", "Relay"]
    # What came over the wire is what protoc made of the same file.
    assert descriptor(pool.FindFileByName(pb.DESCRIPTOR.name)) == descriptor(pb.DESCRIPTOR)
    assert pool.FindMessageTypeByName("google.protobuf.Timestamp").fields_by_name["nanos"].number == 2
    assert pool.FindExtensionByName("jovian.errors").number == 56780


CASES = {
    case.__name__: case
    for case in (
        unary, client_stream, server_stream, bidi, metadata, deadline, cancel, domain_error, plain_status,
        unimplemented, malformed, large, compressed, concurrent, health, reflection,
    )
}


def main(address, case):
    options = [("grpc.max_receive_message_length", 2 * MEGABYTES), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        CASES[case](channel, pb_grpc.CourierStub(channel))


if __name__ == "__main__":
    main(*sys.argv[1:])
