//! What prost-build is shown: the descriptors with the plan's edits applied.

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use crate::names;
use crate::plan::Edits;

/// Applies the edits to one file.
pub(super) fn file(descriptor: &mut FileDescriptorProto, edits: &Edits) {
    let package = descriptor.package().to_owned();
    // prost-build finds comments by position, so no message or enum is removed here.
    descriptor.package = descriptor.package.take().map(|package| edits.applied_to(&package));
    descriptor.enum_type.iter_mut().for_each(|enumeration| edit_enum(enumeration, &package, edits));
    descriptor.message_type.iter_mut().for_each(|message| edit_message(message, &package, edits));
}

/// Gives a message and everything in it the new names, and follows them in the types of fields.
fn edit_message(message: &mut DescriptorProto, scope: &str, edits: &Edits) {
    let full_name = names::full(scope, message.name());
    for field in &mut message.field {
        rename(&mut field.name, &full_name, edits);
        if field.r#type() == Type::Enum {
            let (enumeration, default) = (field.type_name().trim_start_matches('.'), &field.default_value);
            field.default_value = default.as_ref().map(|value| default_value(enumeration, value, edits));
        }
        if let Some(used) = field.type_name.as_mut().filter(|used| !used.is_empty()) {
            *used = format!(".{}", edits.applied_to(used.trim_start_matches('.')));
        }
    }
    message.oneof_decl.iter_mut().for_each(|oneof| rename(&mut oneof.name, &full_name, edits));
    message.enum_type.iter_mut().for_each(|enumeration| edit_enum(enumeration, &full_name, edits));
    message.nested_type.iter_mut().for_each(|nested| edit_message(nested, &full_name, edits));
    rename(&mut message.name, scope, edits);
}

fn edit_enum(enumeration: &mut EnumDescriptorProto, scope: &str, edits: &Edits) {
    let full_name = names::full(scope, enumeration.name());
    enumeration.value.iter_mut().for_each(|value| rename(&mut value.name, &full_name, edits));
    rename(&mut enumeration.name, scope, edits);
}

/// The value that prost-build knows: never an alias, and under its new name.
fn default_value(enumeration: &str, value: &str, edits: &Edits) -> String {
    let first = edits.firsts.get(&names::full(enumeration, value)).map_or(value, String::as_str);
    edits.shown(&names::full(enumeration, first)).unwrap_or_else(|| first.to_owned())
}

fn rename(name: &mut Option<String>, scope: &str, edits: &Edits) {
    let shown = name.as_ref().and_then(|name| edits.shown(&names::full(scope, name)));
    *name = shown.or_else(|| name.take());
}
