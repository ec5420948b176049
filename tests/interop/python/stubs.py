"""What both sides of the Python programs share: the stubs, the metadata they use, and a parcel."""

import importlib
import os
import sys

# The test compiles the IDL with grpc_tools and says where.
sys.path.insert(0, os.environ["INTEROP_STUBS"])

pb = importlib.import_module("interop.courier.v1.courier_pb2")
pb_grpc = importlib.import_module("interop.courier.v1.courier_pb2_grpc")

SERVICE = "interop.courier.v1.Courier"
DOMAIN = "interop.courier"

# Bytes that are neither UTF-8 nor a multiple of three, so that base64 with and without padding differ.
TOKEN = bytes([0, 255, 254, 10, 61])


def parcel(**fields):
    """A parcel that has every field set."""
    full = pb.Parcel(
        id="p-1",
        grams=1200,
        content=bytes(range(256)),
        labels={"fragile": "sì", "": "no name"},
        sides=[1.5, -0.0, 1e300],
        floor=-2,
        locker=pb.Parcel.Locker(house="Gare d'Été", number=4294967295),
    )
    full.posted_at.FromJsonString("1969-12-31T23:59:59.000000001Z")
    for name, value in fields.items():
        setattr(full, name, value)
    return full
