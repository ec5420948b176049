"""What both sides of gRPC's interoperability tests share in Python: the stubs, and what the cases send."""

import importlib
import os

import grpc

# The test compiles the IDL with grpc_tools and says where. Its package is `grpc.testing`, beside what grpcio itself has in `grpc`.
grpc.__path__.append(os.path.join(os.environ["INTEROP_STUBS"], "grpc"))

pb = importlib.import_module("grpc.testing.test_pb2")
pb_grpc = importlib.import_module("grpc.testing.test_pb2_grpc")

MEGABYTE = 1024 * 1024
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"

# What both sides take, with windows as small as they begin: what is large has to wait for its reader.
OPTIONS = [
    ("grpc.max_receive_message_length", 8 * MEGABYTE),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 65536),
]


def payload(size):
    return pb.Payload(body=bytes(size))


def outputs(*sizes, **fields):
    """Asks for payloads of these sizes."""
    parameters = [pb.ResponseParameters(size=size, **fields) for size in sizes]
    return pb.StreamingOutputCallRequest(response_parameters=parameters)
