//! A request to fill in: every field of a message, each with a value of its kind.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// A part of a template.
#[derive(Debug)]
pub(super) enum Part {
    /// Keys and what they have, in the order of the IDL.
    Object(Vec<(String, Part)>),
    List(Box<Part>),
    Value(Value),
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(fields) => to.collect_map(fields.iter().map(|(key, part)| (key, part))),
            Self::List(one) => to.collect_seq([one]),
            Self::Value(value) => value.serialize(to),
        }
    }
}

/// A message as JSON with all of its fields. Of a oneof the first is there, and a message inside of itself is empty.
pub(super) fn message(descriptor: &MessageDescriptor) -> Part {
    below(descriptor, &mut Vec::new())
}

fn below(descriptor: &MessageDescriptor, around: &mut Vec<String>) -> Part {
    if let Some(value) = well_known(descriptor.full_name()) {
        return Part::Value(value);
    }
    if around.iter().any(|name| name == descriptor.full_name()) {
        return Part::Object(Vec::new());
    }
    around.push(descriptor.full_name().to_owned());
    let mut fields = Vec::new();
    for declared in descriptor.fields() {
        let first = declared.containing_oneof().and_then(|oneof| oneof.fields().next());
        if first.is_none_or(|first| first.number() == declared.number()) {
            fields.push((declared.json_name().to_owned(), field(&declared, around)));
        }
    }
    around.pop();
    Part::Object(fields)
}

fn field(field: &FieldDescriptor, around: &mut Vec<String>) -> Part {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let key = match entry.map_entry_key_field().kind() {
                Kind::String => "key",
                Kind::Bool => "true",
                _ => "1",
            };
            let value = one(&entry.map_entry_value_field().kind(), around);
            Part::Object(vec![(key.to_owned(), value)])
        }
        kind if field.is_list() => Part::List(Box::new(one(&kind, around))),
        kind => one(&kind, around),
    }
}

fn one(kind: &Kind, around: &mut Vec<String>) -> Part {
    Part::Value(match kind {
        Kind::Message(message) => return below(message, around),
        Kind::Enum(of) => value(of),
        Kind::String => json!(""),
        // Base64 of nothing.
        Kind::Bytes => json!(""),
        Kind::Bool => json!(false),
        Kind::Double | Kind::Float => json!(0.0),
        // 64 bits do not fit into the numbers of JavaScript: protobuf writes them as text.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => json!("0"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => json!(0),
    })
}

/// The first value that says something: 0 mostly stands for none.
fn value(of: &EnumDescriptor) -> Value {
    if of.full_name() == "google.protobuf.NullValue" {
        return Value::Null;
    }
    let said = of.values().find(|value| value.number() != 0).unwrap_or_else(|| of.default_value());
    json!(said.name())
}

/// The messages that JSON has forms of its own for: <https://protobuf.dev/programming-guides/json/>
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Any" => json!({"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}),
        "Timestamp" => json!("2006-01-02T15:04:05Z"),
        "Duration" => json!("1s"),
        "FieldMask" => json!(""),
        "Struct" => json!({}),
        "ListValue" => json!([]),
        "Value" => json!(""),
        "BoolValue" => json!(false),
        "StringValue" | "BytesValue" => json!(""),
        "DoubleValue" | "FloatValue" => json!(0.0),
        "Int64Value" | "UInt64Value" => json!("0"),
        "Int32Value" | "UInt32Value" => json!(0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DescriptorPool, DynamicMessage};

    use super::*;

    /// What is shown can be sent: protobuf's own messages have every kind of field.
    #[test]
    fn a_template_is_a_message() {
        let pool = DescriptorPool::global();
        for name in ["FileDescriptorSet", "FileOptions", "Api", "Struct", "Value", "Any", "Timestamp", "Type"]
        {
            let descriptor = pool.get_message_by_name(&format!("google.protobuf.{name}")).unwrap();
            let text = serde_json::to_string(&message(&descriptor)).unwrap();
            let mut json = serde_json::Deserializer::from_str(&text);
            DynamicMessage::deserialize(descriptor, &mut json)
                .unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
