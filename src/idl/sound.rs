//! What every compiler of IDL sees to, and what bytes that come from elsewhere may lack: names that are names.
//!
//! Names become Rust. One that is none would be something else there.

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, ServiceDescriptorProto};

use super::malformed;
use crate::diag::Diagnostics;

/// Complains about the first name of a file that no IDL could contain.
pub(super) fn check(file: &FileDescriptorProto, diags: &mut Diagnostics) {
    let package = file.package().split('.').filter(|_| !file.package().is_empty());
    let names = package
        .chain(file.message_type.iter().flat_map(message))
        .chain(file.enum_type.iter().flat_map(enumeration))
        .chain(file.service.iter().flat_map(service))
        .chain(file.extension.iter().map(|field| field.name()));
    if let Some(name) = names.into_iter().find(|name| !is_name(name)) {
        let problem = format!("`{}` in the descriptor of `{}` is no name", name.escape_debug(), file.name());
        diags.push(malformed(problem));
    }
}

fn message(message: &DescriptorProto) -> Vec<&str> {
    let fields = message.field.iter().chain(&message.extension);
    let types = fields.clone().flat_map(|field| path(field.type_name()));
    let mut names: Vec<&str> = vec![message.name()];
    names.extend(fields.map(|field| field.name()).chain(types));
    names.extend(message.oneof_decl.iter().map(|oneof| oneof.name()));
    names.extend(message.enum_type.iter().flat_map(enumeration));
    names.extend(message.nested_type.iter().flat_map(self::message));
    names
}

fn enumeration(enumeration: &EnumDescriptorProto) -> impl Iterator<Item = &str> {
    std::iter::once(enumeration.name()).chain(enumeration.value.iter().map(|value| value.name()))
}

fn service(service: &ServiceDescriptorProto) -> impl Iterator<Item = &str> {
    let methods = service.method.iter().flat_map(|method| {
        let types = path(method.input_type()).chain(path(method.output_type()));
        std::iter::once(method.name()).chain(types)
    });
    std::iter::once(service.name()).chain(methods)
}

/// The parts of the full name of a type; none where a field has no type of its own.
fn path(full_name: &str) -> impl Iterator<Item = &str> {
    full_name.split('.').skip(usize::from(full_name.is_empty() || full_name.starts_with('.')))
}

/// A digit may come first: the message behind the map `_1a` is `1aEntry`.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
