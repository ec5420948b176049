"""Serves a courier: prints its port, and ends when its standard input does.

It is also the reference that `client.py` is held against: what Python does with Python is what Rust has to do.
"""

import sys
import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from stubs import DOMAIN, SERVICE, TOKEN, pb, pb_grpc


def end(context, ending, parcel):
    """Ends the call as the request says."""
    if ending == pb.ENDING_UNSPECIFIED:
        return
    if ending == pb.ENDING_PLAIN:
        context.abort(grpc.StatusCode.OUT_OF_RANGE, "beyond the map")
    too_heavy = {"id": parcel.id, "grams": str(parcel.grams)}
    code, message, reason, domain, fields = {
        pb.ENDING_TOO_HEAVY: (9, f"parcel {parcel.id} weighs {parcel.grams} g", "PARCEL_TOO_HEAVY", DOMAIN, too_heavy),
        pb.ENDING_UNKNOWN_JOURNEY: (5, "JOURNEY_UNKNOWN", "JOURNEY_UNKNOWN", DOMAIN, {}),
        pb.ENDING_NEWER_REASON: (8, "no room", "VAN_FULL", DOMAIN, {"van": "7"}),
        pb.ENDING_OTHER_DOMAIN: (9, "too heavy", "PARCEL_TOO_HEAVY", "interop.bakery", too_heavy),
    }[ending]
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=fields))
    context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code, message=message, details=[detail])))


def hold(context, milliseconds):
    """Waits, but not for a caller who has left."""
    until = time.monotonic() + milliseconds / 1000
    while context.is_active() and time.monotonic() < until:
        time.sleep(min(0.01, max(0.0, until - time.monotonic())))


class Courier(pb_grpc.CourierServicer):
    def greet(self, context):
        """Gives back the metadata that came, and how much time the caller gave."""
        came = context.invocation_metadata()
        notes = [value for key, value in came if key == "x-note"]
        tokens = [value.hex() for key, value in came if key == "x-token-bin"]
        headers = []
        if notes:
            headers.append(("x-note-echo", "|".join(notes)))
        if tokens:
            headers.append(("x-token-echo", "|".join(tokens)))
        remaining = context.time_remaining()
        if remaining is not None and remaining < 1e6:
            headers.append(("x-remaining-ms", str(int(remaining * 1000))))
        headers.append(("x-token-bin", TOKEN))
        context.send_initial_metadata(headers)
        context.set_trailing_metadata((("x-done", "yes"), ("x-token-bin", TOKEN)))

    def Weigh(self, request, context):
        self.greet(context)
        hold(context, request.hold_ms)
        end(context, request.ending, request.parcel)
        reply = pb.WeighReply()
        if request.HasField("parcel"):
            reply.parcel.CopyFrom(request.parcel)
        return reply

    def Load(self, requests, context):
        self.greet(context)
        total = pb.Manifest()
        for parcel in requests:
            total.parcels += 1
            total.grams += parcel.grams
        return total

    def Track(self, request, context):
        self.greet(context)
        for number in range(1, request.stops + 1):
            hold(context, request.hold_ms)
            if not context.is_active():
                return
            yield pb.Stop(number=number)
        end(context, request.ending, pb.Parcel())

    def Relay(self, requests, context):
        self.greet(context)
        total = pb.Manifest()
        for parcel in requests:
            total.parcels += 1
            total.grams += parcel.grams
            yield total


def main():
    options = [("grpc.max_receive_message_length", 8 * 1024 * 1024), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=options)
    pb_grpc.add_CourierServicer_to_server(Courier(), server)
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection((SERVICE, reflection.SERVICE_NAME), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # The test holds the other end: when it ends, for whatever reason, so does this.
    sys.stdin.read()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
