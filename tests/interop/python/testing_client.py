"""Calls a server of gRPC's interoperability tests: `testing_client.py ADDRESS CASE`. Ends with 0 when the case holds.

The cases up to `timeout_on_sleeping_server` are those of the public description, in its words and with its numbers.
"""

import sys
import threading
import time

import grpc

from testing import INITIAL, MEGABYTE, OPTIONS, TRAILING, outputs, payload, pb, pb_grpc

GZIP = grpc.Compression.Gzip
TRUE, FALSE = pb.BoolValue(value=True), pb.BoolValue(value=False)


def failure(call):
    try:
        result = call()
        if not isinstance(result, tuple) and hasattr(result, "__iter__"):
            list(result)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call worked")


def sizes(replies):
    return [len(reply.payload.body) for reply in replies]


def empty_unary(channel, stub):
    assert stub.EmptyCall(pb.Empty(), timeout=10) == pb.Empty()


def large_unary(channel, stub):
    reply = stub.UnaryCall(pb.SimpleRequest(response_size=314159, payload=payload(271828)), timeout=10)
    assert reply.payload.body == bytes(314159)


def client_compressed_unary(channel, stub):
    request = pb.SimpleRequest(expect_compressed=TRUE, response_size=314159, payload=payload(271828))
    # The probe: it says that it is compressed, and is not.
    error = failure(lambda: stub.UnaryCall(request, timeout=10))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    assert len(stub.UnaryCall(request, timeout=10, compression=GZIP).payload.body) == 314159
    request.expect_compressed.value = False
    assert len(stub.UnaryCall(request, timeout=10).payload.body) == 314159


def server_compressed_unary(channel, stub):
    request = pb.SimpleRequest(response_compressed=TRUE, response_size=314159, payload=payload(271828))
    assert len(stub.UnaryCall(request, timeout=10).payload.body) == 314159
    request.response_compressed.value = False
    assert len(stub.UnaryCall(request, timeout=10).payload.body) == 314159


def inputs(*sizes, **fields):
    return (pb.StreamingInputCallRequest(payload=payload(size), **fields) for size in sizes)


def client_streaming(channel, stub):
    reply = stub.StreamingInputCall(inputs(27182, 8, 1828, 45904), timeout=10)
    assert reply.aggregated_payload_size == 74922, reply


def client_compressed_streaming(channel, stub):
    error = failure(lambda: stub.StreamingInputCall(inputs(27182, expect_compressed=TRUE), timeout=10))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    both = inputs(27182, 45904, expect_compressed=TRUE)
    assert stub.StreamingInputCall(both, timeout=10, compression=GZIP).aggregated_payload_size == 73086


def server_streaming(channel, stub):
    replies = stub.StreamingOutputCall(outputs(31415, 9, 2653, 58979), timeout=10)
    assert sizes(replies) == [31415, 9, 2653, 58979]


def server_compressed_streaming(channel, stub):
    request = outputs(31415, 92653)
    request.response_parameters[0].compressed.value = True
    request.response_parameters[1].compressed.value = False
    assert sizes(stub.StreamingOutputCall(request, timeout=10)) == [31415, 92653]


def ping_pong(channel, stub):
    answered = threading.Semaphore(1)

    def requests():
        for request, response in ((27182, 31415), (8, 9), (1828, 2653), (45904, 58979)):
            answered.acquire()
            yield pb.StreamingOutputCallRequest(
                response_parameters=[pb.ResponseParameters(size=response)], payload=payload(request))

    seen = []
    for reply in stub.FullDuplexCall(requests(), timeout=10):
        seen.append(len(reply.payload.body))
        answered.release()
    assert seen == [31415, 9, 2653, 58979], seen


def empty_stream(channel, stub):
    assert list(stub.FullDuplexCall(iter(()), timeout=10)) == []


def custom_metadata(channel, stub):
    trailing = b"\xab\xab\xab"
    sent = ((INITIAL, "test_initial_metadata_value"), (TRAILING, trailing))

    def check(call):
        assert (INITIAL, "test_initial_metadata_value") in call.initial_metadata(), call.initial_metadata()
        assert (TRAILING, trailing) in call.trailing_metadata(), call.trailing_metadata()

    request = pb.SimpleRequest(response_size=314159, payload=payload(271828))
    _, call = stub.UnaryCall.with_call(request, metadata=sent, timeout=10)
    check(call)
    call = stub.FullDuplexCall(iter([outputs(314159)]), metadata=sent, timeout=10)
    assert sizes(call) == [314159]
    check(call)
    # Beyond the description: every byte there is, twice under one name, and from a call that fails before it says anything.
    every, status = bytes(range(256)), pb.EchoStatus(code=2, message="no")
    sent = ((INITIAL, "a"), (TRAILING, every), (TRAILING, b""))
    call = failure(lambda: stub.UnaryCall(pb.SimpleRequest(response_status=status), metadata=sent, timeout=10))
    assert [value for key, value in call.trailing_metadata() if key == TRAILING] == [every, b""]
    assert [(key, value) for key, value in call.initial_metadata() if key == INITIAL] == [(INITIAL, "a")]
    assert INITIAL not in [key for key, _ in call.trailing_metadata()], call.trailing_metadata()


def status_code_and_message(channel, stub):
    status = pb.EchoStatus(code=2, message="test status message")
    unary = failure(lambda: stub.UnaryCall(pb.SimpleRequest(response_status=status), timeout=10))
    request = pb.StreamingOutputCallRequest(response_status=status)
    duplex = failure(lambda: stub.FullDuplexCall(iter([request]), timeout=10))
    for error in (unary, duplex):
        assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "test status message"), error


def special_status_message(channel, stub):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    status = pb.EchoStatus(code=2, message=text)
    error = failure(lambda: stub.UnaryCall(pb.SimpleRequest(response_status=status), timeout=10))
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, text), error


def unimplemented_method(channel, stub):
    error = failure(lambda: stub.UnimplementedCall(pb.Empty(), timeout=10))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def unimplemented_service(channel, stub):
    error = failure(lambda: pb_grpc.UnimplementedServiceStub(channel).UnimplementedCall(pb.Empty(), timeout=10))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def endless(first, gone):
    """Sends `first`, and then waits until the call is over."""
    yield first
    gone.wait(10)


def cancel_after_begin(channel, stub):
    gone = threading.Event()
    call = stub.StreamingInputCall.future(endless(pb.StreamingInputCallRequest(payload=payload(1)), gone))
    call.cancel()
    assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED
    gone.set()


def cancel_after_first_response(channel, stub):
    gone = threading.Event()
    call = stub.FullDuplexCall(endless(outputs(31415), gone), timeout=10)
    assert len(next(call).payload.body) == 31415
    call.cancel()
    error = failure(lambda: call)
    assert error.code() == grpc.StatusCode.CANCELLED, error
    gone.set()


def timeout_on_sleeping_server(channel, stub):
    gone = threading.Event()
    first = pb.StreamingOutputCallRequest(payload=payload(27182))
    error = failure(lambda: stub.FullDuplexCall(endless(first, gone), timeout=0.1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    gone.set()


def five_mebibytes(channel, stub):
    size = 5 * MEGABYTE
    assert sizes([stub.UnaryCall(pb.SimpleRequest(response_size=size, payload=payload(size)), timeout=30)]) == [size]
    assert sizes(stub.FullDuplexCall(iter([outputs(size, size)]), timeout=30)) == [size, size]
    assert stub.StreamingInputCall(inputs(size, size), timeout=30).aggregated_payload_size == 2 * size


def half_close(channel, stub):
    # The last word of this side is said before the first of the other.
    replies = stub.FullDuplexCall(iter([outputs(*range(1, 21), interval_us=10_000)]), timeout=10)
    assert sizes(replies) == list(range(1, 21))


def early_reply(channel, stub):
    sent, gone = [], threading.Event()

    def requests():
        yield pb.StreamingInputCallRequest(payload=payload(5))
        # Nothing: this server answers when it sees it.
        yield pb.StreamingInputCallRequest()
        while not gone.is_set():
            sent.append(1)
            yield pb.StreamingInputCallRequest(payload=payload(1000))

    assert stub.StreamingInputCall(requests(), timeout=10).aggregated_payload_size == 5
    gone.set()
    empty_unary(channel, stub)


def slow_reader(channel, stub):
    # 64 MiB; what the server wrote meanwhile, it says at the end.
    call = stub.StreamingOutputCall(outputs(*[64 * 1024] * 1000), timeout=60)
    next(call)
    time.sleep(1)
    assert sizes(call) == [64 * 1024] * 999
    (early,) = (int(value) for key, value in call.trailing_metadata() if key == "x-early")
    assert early < 100, f"{early} of 1000 messages were written while nobody read"


def slow_writer(channel, stub):
    # The other way: the server does not read for a second after a first message of a mebibyte.
    began, early = time.monotonic(), 0

    def requests():
        nonlocal early
        yield pb.StreamingInputCallRequest(payload=payload(MEGABYTE))
        for _ in range(63):
            early += time.monotonic() - began < 0.7
            yield pb.StreamingInputCallRequest(payload=payload(MEGABYTE))

    assert stub.StreamingInputCall(requests(), timeout=60).aggregated_payload_size == 64 * MEGABYTE
    assert early < 20, f"{early} of 64 messages were taken while nobody read"


CASES = {
    case.__name__: case
    for case in (
        empty_unary, large_unary, client_compressed_unary, server_compressed_unary, client_streaming,
        client_compressed_streaming, server_streaming, server_compressed_streaming, ping_pong, empty_stream,
        custom_metadata, status_code_and_message, special_status_message, unimplemented_method,
        unimplemented_service, cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server,
        five_mebibytes, half_close, early_reply, slow_reader, slow_writer,
    )
}


def main(address, case):
    with grpc.insecure_channel(address, options=[*OPTIONS, ("grpc.enable_http_proxy", 0)]) as channel:
        CASES[case](channel, pb_grpc.TestServiceStub(channel))


if __name__ == "__main__":
    main(*sys.argv[1:])
