//! The messages and enums of a descriptor, short enough to be read.

use std::collections::BTreeMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use serde::{Serialize as _, Serializer};

/// By name below the package, what each has in it: `id = 1`.
pub(super) fn serialize<S: Serializer>(file: &FileDescriptorProto, to: S) -> Result<S::Ok, S::Error> {
    let mut types = BTreeMap::new();
    file.message_type.iter().for_each(|message| note(message, "", &mut types));
    types.extend(file.enum_type.iter().map(|enumeration| values(enumeration, "")));
    types.serialize(to)
}

fn note(message: &DescriptorProto, around: &str, types: &mut BTreeMap<String, Vec<String>>) {
    let name = format!("{around}{}", message.name());
    let fields = message.field.iter().map(|field| format!("{} = {}", field.name(), field.number()));
    let inner = format!("{name}.");
    message.nested_type.iter().for_each(|nested| note(nested, &inner, types));
    types.extend(message.enum_type.iter().map(|enumeration| values(enumeration, &inner)));
    types.insert(name, fields.collect());
}

fn values(enumeration: &EnumDescriptorProto, around: &str) -> (String, Vec<String>) {
    let values = enumeration.value.iter().map(|value| format!("{} = {}", value.name(), value.number()));
    (format!("{around}{}", enumeration.name()), values.collect())
}
