"""Serves the courier of `server.py` in other ways: its arguments say how. Prints its port, and ends when its standard input does.

    gzip                        replies are compressed
    silent                      there is no reflection
    tls=CERT:KEY                over TLS
    clients=CA                  for those alone who show a certificate

Prints `cancelled` when somebody gives a journey up.
"""

import sys
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from server import Courier
from stubs import SERVICE, pb, pb_grpc


class Talker(Courier):
    """Says when it is left alone, and fails with more than one detail."""

    def Weigh(self, request, context):
        if request.parcel.id == "many":
            details = [
                error_details_pb2.ErrorInfo(reason="TOO_MANY", domain="elsewhere.example", metadata={"limit": "3"}),
                error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000)),
                error_details_pb2.BadRequest(
                    field_violations=[error_details_pb2.BadRequest.FieldViolation(field="parcel", description="is big")]
                ),
                pb.Stop(number=7),
            ]
            packed = []
            for detail in details:
                packed.append(any_pb2.Any())
                packed[-1].Pack(detail)
            packed.append(any_pb2.Any(type_url="type.googleapis.com/nowhere.Known", value=b"123"))
            context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=8, message="no more", details=packed)))
        return super().Weigh(request, context)

    def Track(self, request, context):
        def ended():
            if context.code() is None and not finished:
                print("cancelled", flush=True)

        finished = []
        context.add_callback(ended)
        yield from super().Track(request, context)
        if context.is_active():
            finished.append(True)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    words = dict(word.split("=", 1) if "=" in word else (word, "") for word in sys.argv[1:])
    compression = grpc.Compression.Gzip if "gzip" in words else None
    options = [("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=options, compression=compression)
    pb_grpc.add_CourierServicer_to_server(Talker(), server)
    if "silent" not in words:
        reflection.enable_server_reflection((SERVICE, reflection.SERVICE_NAME), server)
    if "tls" in words:
        cert, key = words["tls"].split(":")
        clients = read(words["clients"]) if "clients" in words else None
        credentials = grpc.ssl_server_credentials([(read(key), read(cert))], clients, clients is not None)
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
