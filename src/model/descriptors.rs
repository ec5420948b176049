//! What descriptors say by way of something else: maps are messages, and `optional` is a oneof.

use prost_types::{DescriptorProto, FieldDescriptorProto};

/// Whether nobody wrote this message: it stands behind a map.
pub(crate) fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

/// The message behind a field that is a map, among those that are declared beside it.
pub(crate) fn map_entry<'a>(
    nested: &'a [DescriptorProto],
    field: &FieldDescriptorProto,
) -> Option<&'a DescriptorProto> {
    let name = field.type_name().rsplit('.').next();
    nested.iter().find(|nested| is_map_entry(nested) && Some(nested.name()) == name)
}

/// The oneof of the IDL that a field belongs to, and not the one behind an `optional`.
pub(crate) fn oneof_of(field: &FieldDescriptorProto) -> Option<usize> {
    usize::try_from(field.oneof_index.filter(|_| !field.proto3_optional())?).ok()
}
