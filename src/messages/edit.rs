//! What prost-build is shown: the descriptors with the plan's edits applied.

use prost_types::{DescriptorProto, FileDescriptorProto};

use crate::names;
use crate::plan::Edits;

/// Applies the edits to one file.
pub(super) fn file(descriptor: &mut FileDescriptorProto, package: &str, edits: &Edits) {
    // prost-build finds comments by position, so no message or enum is removed here.
    descriptor.service.clear();
    descriptor.enum_type.iter_mut().for_each(|enumeration| rename(&mut enumeration.name, package, edits));
    descriptor.message_type.iter_mut().for_each(|message| edit_message(message, package, edits));
}

/// Gives a message and everything in it the new names, and follows them in the types of fields.
fn edit_message(message: &mut DescriptorProto, scope: &str, edits: &Edits) {
    let full_name = names::full(scope, message.name());
    for field in &mut message.field {
        rename(&mut field.name, &full_name, edits);
        if let Some(used) = field.type_name.as_mut().filter(|used| !used.is_empty()) {
            *used = format!(".{}", edits.applied_to(used.trim_start_matches('.')));
        }
    }
    message.oneof_decl.iter_mut().for_each(|oneof| rename(&mut oneof.name, &full_name, edits));
    message.enum_type.iter_mut().for_each(|enumeration| rename(&mut enumeration.name, &full_name, edits));
    message.nested_type.iter_mut().for_each(|nested| edit_message(nested, &full_name, edits));
    rename(&mut message.name, scope, edits);
}

fn rename(name: &mut Option<String>, scope: &str, edits: &Edits) {
    let renamed = name.as_ref().and_then(|name| edits.renamed.get(&names::full(scope, name)));
    if let Some(renamed) = renamed {
        *name = Some(renamed.clone());
    }
}
