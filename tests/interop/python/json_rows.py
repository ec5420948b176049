"""What Python's json_format makes of messages and of texts: a line of JSON for each, which `tests/json.rs` compares.

Usage: json_rows.py FILE
"""

import importlib
import json
import os
import random
import sys

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp

sys.path.insert(0, os.environ["INTEROP_STUBS"])
scalars, old, edition, plain, detail = (
    importlib.import_module(name + "_pb2")
    for name in ["mapping.v1.scalars", "mapping.v1.old", "mapping.v1.edition", "plain", "mapping.detail.v1.detail"]
)

TYPES = [
    scalars.Scalars, scalars.Numbers, scalars.Names, scalars.Choice, scalars.WellKnown, scalars.Price, scalars.Money,
    old.Old, edition.Edition, plain.Plain, detail.Detail,
]
BY_NAME = {it.DESCRIPTOR.full_name: it for it in TYPES}

# Texts that say something in another way than it is written, or that say nothing.
TEXTS = {
    "mapping.v1.Scalars": [
        *('{"i32": %s}' % it for it in ["1", "-1", "1.0", "1e2", '"1"', '"-1"', "1.5", '"1.5"', '""', '" 1"', "true", "2147483648", "[1]", "{}"]),
        *('{"u32": %s}' % it for it in ["0", "4294967295", "4294967296", "-1", '"7"', "7.0"]),
        *('{"i64": %s}' % it for it in ["1", '"-9223372036854775808"', "9223372036854775807", '"9223372036854775808"', "1e3"]),
        *('{"u64": %s}' % it for it in ["1", '"18446744073709551615"', '"18446744073709551616"', '"-1"']),
        *('{"single": %s}' % it for it in ["1", "0.1", '"0.1"', '"NaN"', '"Infinity"', '"-Infinity"', "3.5e38", '"x"', "true", "1e-50"]),
        *('{"twofold": %s}' % it for it in ["1", "1.5", '"1.5"', '"NaN"', '"Infinity"', '"-Infinity"', "1e300", '"x"', "null"]),
        *('{"yes": %s}' % it for it in ["true", "false", "null", "1", '"true"']),
        *('{"text": %s}' % it for it in ['""', '"\\u00e9\\ud83d\\ude00"', "1", "null", "[]"]),
        *('{"raw": %s}' % it for it in ['""', '"AQID"', '"AQI="', '"AQI"', '"-_8="', '"-_8"', '"+/8="', '"?"', "1"]),
        *('{"level": %s}' % it for it in ['"LEVEL_LOW"', '"LEVEL_BASE"', "1", "99", "-1", '"NOPE"', "null", "1.5", "true"]),
        *('{"%s": "a"}' % it for it in ["maybeText", "maybe_text", "MaybeText", "maybe-text"]),
        '{"nope": 1}', "{}", "[]", "null", "1", '"a"', '{"maybe": 0}', '{"maybe": null}',
    ],
    "mapping.v1.Numbers": [
        '{"many": ["1", 2, 3.0]}', '{"many": null}', '{"many": [null]}', '{"many": 1}', '{"many": {}}', '{"levels": ["LEVEL_LOW", 2]}',
        '{"inner": [{}]}', '{"inner": [null]}', '{"texts": {"a": "b"}}', '{"texts": {"a": null}}', '{"texts": []}', '{"texts": null}',
        '{"longs": {"1": 1, "-2": "2"}}', '{"longs": {"a": 1}}', '{"byBool": {"true": 1, "false": "LEVEL_LOW"}}', '{"byBool": {"1": 1}}',
        '{"by_number": {"7": {"many": []}}}',
    ],
    "mapping.v1.Names": [
        '{"snakeCaseName": "a"}', '{"snake_case_name": "a"}', '{"CamelCase": "a"}', '{"camelCase": "a"}', '{"@given": "a"}', '{"given": "a"}',
        '{"with2Digits": "a"}', '{"Leading": "a"}', '{"_leading": "a"}', '{"fooBar": {"two": 1}}', '{"foo_bar": null}', '{"inner": 1}',
    ],
    "mapping.v1.Choice": [
        '{"text": "a"}', '{"text": null}', '{"text": "a", "long": 1}', '{"text": null, "long": 1}', '{"nothing": null}', '{"nothing": "NULL_VALUE"}',
        '{"wrapped": null}', '{"wrapped": ""}', '{"inner": {"inner": {"long": "5"}}}',
    ],
    "mapping.v1.WellKnown": [
        *('{"time": %s}' % it for it in [
            '"1970-01-01T00:00:00Z"', '"2023-11-14T22:13:20.5Z"', '"2023-11-14T22:13:20.123456789Z"', '"2023-11-14T22:13:20+01:00"', '"0001-01-01T00:00:00Z"',
            '"9999-12-31T23:59:59.999999999Z"', '"2023-11-14T22:13:20"', '"2023-11-14"', '"0000-01-01T00:00:00Z"', '"10000-01-01T00:00:00Z"', "1", "null",
        ]),
        *('{"duration": %s}' % it for it in ['"1s"', '"-1.5s"', '"0.000000001s"', '"1.0000000001s"', '"1"', '"s"', '"315576000000s"', '"315576000001s"', "1", "null"]),
        *('{"mask": %s}' % it for it in ['"a,bC.dE"', '""', '"a_b"', "[]", "null"]),
        *('{"value": %s}' % it for it in ["null", "1", "true", '"a"', "[1, null]", '{"a": {"b": []}}']),
        *('{"object": %s}' % it for it in ["null", "{}", '{"a": null}', "1"]),
        *('{"list": %s}' % it for it in ["null", "[]", '[1, "a", [null]]', "1"]),
        *('{"null": %s}' % it for it in ["null", '"NULL_VALUE"']),
        *('{"empty": %s}' % it for it in ["null", "{}"]),
        *('{"int64": %s}' % it for it in ['"1"', "1", "null", '"a"']),
        *('{"double": %s}' % it for it in ["1", '"NaN"', '"Infinity"', "null"]),
        *('{"bytes": %s}' % it for it in ['"AQ=="', '""', "null"]),
        *('{"any": %s}' % it for it in [
            '{"@type": "type.googleapis.com/mapping.v1.Choice", "long": "1"}', '{"long": "1", "@type": "type.googleapis.com/mapping.v1.Choice"}',
            '{"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}', '{"value": "1s", "@type": "type.googleapis.com/google.protobuf.Duration"}',
            '{"@type": "type.googleapis.com/no.Such"}', '{"@type": "type.googleapis.com/mapping.v1.Choice", "nope": 1}', '{"long": 1}', "{}", "null",
        ]),
    ],
    "mapping.v1.Old": [
        '{"key": "a", "entry": [{"entryName": "b"}], "single": {"long": 1}}', '{"key": "a", "right": {"isRight": true}}', '{"key": "a", "left": "l", "right": {}}',
        '{"key": "a", "state": "STATE_OFF"}', '{"key": "a", "packed": [1, "2"]}', '{"key": "a", "Entry": []}',
    ],
    "mapping.v1.Edition": [
        '{"requiredOne": 1, "explicitOne": 0, "implicitOne": 0}', '{"requiredOne": 1, "delimited": {"name": "a", "round": 1}}',
        '{"requiredOne": 1, "parts": {"a": {"square": ""}}, "expanded": [1]}',
    ],
    "Plain": ['{"theNumber": 1, "shade": "SHADE_DARK"}'],
}


class Maker:
    """Makes messages; the same ones every time."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def fill(self, message, depth=0):
        special = SPECIAL.get(message.DESCRIPTOR.full_name)
        if special:
            special(self, message)
            return message
        for field in message.DESCRIPTOR.fields:
            if not field.is_required and self.random.random() < (0.4 if depth < 3 else 0.9):
                continue
            entry = field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
            if entry:
                target = getattr(message, field.name)
                for _ in range(self.random.randrange(4)):
                    key = self.value(entry.fields_by_name["key"])
                    value = entry.fields_by_name["value"]
                    if value.message_type:
                        self.fill(target[key], depth + 1)
                    else:
                        target[key] = self.value(value)
            elif field.is_repeated:
                for _ in range(self.random.randrange(4)):
                    if field.message_type:
                        self.fill(getattr(message, field.name).add(), depth + 1)
                    else:
                        getattr(message, field.name).append(self.value(field))
            elif field.message_type:
                inner = getattr(message, field.name)
                inner.SetInParent()
                self.fill(inner, depth + 1)
            else:
                setattr(message, field.name, self.value(field))
        return message

    def value(self, field):
        pick = self.random.choice
        kind = field.cpp_type
        if kind == field.CPPTYPE_INT32:
            return pick([0, 1, -1, 2**31 - 1, -(2**31)])
        if kind == field.CPPTYPE_UINT32:
            return pick([0, 1, 2**32 - 1])
        if kind == field.CPPTYPE_INT64:
            return pick([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
        if kind == field.CPPTYPE_UINT64:
            return pick([0, 1, 2**53 + 1, 2**64 - 1])
        if kind == field.CPPTYPE_FLOAT:
            return pick([0.0, 1.0, -1.5, 0.1, 3.4028234663852886e38, 1e-30, float("nan"), float("inf"), float("-inf")])
        if kind == field.CPPTYPE_DOUBLE:
            return pick([0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, float("nan"), float("inf"), float("-inf")])
        if kind == field.CPPTYPE_BOOL:
            return pick([True, False])
        if kind == field.CPPTYPE_ENUM:
            numbers = [value.number for value in field.enum_type.values]
            return pick(numbers if field.enum_type.full_name == "google.protobuf.NullValue" or field.enum_type.is_closed else numbers + [77])
        if field.type == field.TYPE_BYTES:
            return bytes(self.random.randrange(256) for _ in range(self.random.randrange(6)))
        return pick(["", "a", "é😀", 'quote " and \\ and \n', "null", "1"])

    def timestamp(self, message):
        message.seconds = self.random.choice([0, 1, -1, 1_700_000_000, -62135596800, 253402300799])
        message.nanos = self.random.choice([0, 5_000_000, 5_000, 5, 999_999_999])

    def duration(self, message):
        sign = self.random.choice([1, -1])
        message.seconds = sign * self.random.choice([0, 1, 315_576_000_000 - 1])
        message.nanos = sign * self.random.choice([0, 5_000_000, 5_000, 5, 999_999_999])

    def field_mask(self, message):
        message.paths.extend(self.random.sample(["a", "b_c", "d.e_f", "g_h.i"], self.random.randrange(4)))

    def struct(self, message, depth=0):
        for key in self.random.sample(["", "a", "b_c", "é"], self.random.randrange(3)):
            self.dynamic(message.fields[key], depth + 1)

    def list(self, message, depth=0):
        for _ in range(self.random.randrange(3)):
            self.dynamic(message.values.add(), depth + 1)

    def dynamic(self, message, depth=0):
        kind = self.random.randrange(6 if depth < 3 else 4)
        if kind == 0:
            message.null_value = 0
        elif kind == 1:
            message.number_value = self.random.choice([0, 1, -1.5, 1e300])
        elif kind == 2:
            message.string_value = self.random.choice(["", "a"])
        elif kind == 3:
            message.bool_value = self.random.choice([True, False])
        elif kind == 4:
            message.struct_value.SetInParent()
            self.struct(message.struct_value, depth)
        else:
            message.list_value.SetInParent()
            self.list(message.list_value, depth)

    def any(self, message):
        kind = self.random.choice([scalars.Scalars, scalars.Choice, detail.Detail, Timestamp, Any])
        message.Pack(self.fill(kind(), 3), deterministic=True)


SPECIAL = {
    "google.protobuf.Any": Maker.any,
    "google.protobuf.Duration": Maker.duration,
    "google.protobuf.FieldMask": Maker.field_mask,
    "google.protobuf.ListValue": Maker.list,
    "google.protobuf.Struct": Maker.struct,
    "google.protobuf.Timestamp": Maker.timestamp,
    "google.protobuf.Value": Maker.dynamic,
}


def written(message):
    return {
        "type": message.DESCRIPTOR.full_name,
        "hex": message.SerializeToString(deterministic=True).hex(),
        "json": json.loads(json_format.MessageToJson(message)),
        "names_of_the_idl": json_format.MessageToJson(message, preserving_proto_field_name=True),
    }


def read(name, text):
    message = BY_NAME[name]()
    try:
        json_format.Parse(text, message)
        # Required fields and all: what cannot be sent was not understood.
        encoded = message.SerializeToString(deterministic=True).hex()
    except Exception as error:  # Python's own errors for some texts are not its ParseError.
        return {"type": name, "text": text, "error": str(error)}
    return {"type": name, "text": text, "hex": encoded}


def main(path):
    maker = Maker(1)
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(300):
            for kind in TYPES:
                print(json.dumps(written(maker.fill(kind()))), file=out)
        for name, texts in TEXTS.items():
            for text in texts:
                print(json.dumps(read(name, text)), file=out)


main(sys.argv[1])
