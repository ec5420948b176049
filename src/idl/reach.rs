//! Which files a run needs, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::{DescriptorProto, FileDescriptorProto, ServiceDescriptorProto};

use super::carried::is_well_known;
use super::selection;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::names;
use crate::settings::Details;

/// All files that the targets import, each after its own imports. The order depends on names and imports alone.
pub(super) fn imports_first<'a>(
    targets: &'a BTreeSet<String>,
    graph: &BTreeMap<&'a str, &'a [String]>,
    diags: &mut Diagnostics,
) -> Option<Vec<&'a str>> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    // Depth first without recursion: a name is on the stack once to be opened and once to be closed.
    let mut stack: Vec<(&str, bool)> = targets.iter().rev().map(|name| (name.as_str(), false)).collect();
    while let Some((name, closed)) = stack.pop() {
        if closed {
            order.push(name);
            continue;
        }
        if !seen.insert(name) {
            continue;
        }
        let Some(imports) = graph.get(name) else {
            diags.push(
                Diagnostic::error(Code::Descriptor, format!("`{name}` is not in the descriptor set"))
                    .help("include the imports: `protoc --include_imports`"),
            );
            return None;
        };
        stack.push((name, true));
        let mut imports: Vec<&str> = imports.iter().map(String::as_str).collect();
        imports.sort_unstable();
        stack.extend(imports.into_iter().rev().map(|import| (import, false)));
    }
    Some(order)
}

/// The targets, and every file that defines a type which these need. Well-known types are the runtime's, and some types are
/// in another crate.
pub(super) fn needed<'a>(
    targets: &BTreeSet<String>,
    files: impl Iterator<Item = &'a FileDescriptorProto>,
    details: &Details,
) -> BTreeSet<String> {
    let files: BTreeMap<&str, &FileDescriptorProto> = files.map(|file| (file.name(), file)).collect();
    let mut home = BTreeMap::new();
    for (name, file) in &files {
        let prefix = if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
        for message in &file.message_type {
            note_message(&prefix, message, name, &mut home);
        }
        for enumeration in &file.enum_type {
            home.insert(format!("{prefix}.{}", enumeration.name()), *name);
        }
    }
    let mut needed = BTreeSet::new();
    let mut open: Vec<&str> = targets.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if is_well_known(name) || !needed.insert(name.to_owned()) {
            continue;
        }
        let mut types = Vec::new();
        if let Some(file) = files.get(name) {
            file.message_type.iter().for_each(|message| fields(message, &mut types));
            let chosen = |it: &&ServiceDescriptorProto| {
                selection::has_service(details, &names::full(file.package(), it.name()))
            };
            let methods = file.service.iter().filter(chosen).flat_map(|service| &service.method);
            types.extend(methods.flat_map(|method| [method.input_type(), method.output_type()]));
        }
        types.retain(|name| !selection::is_elsewhere(details, name.trim_start_matches('.')));
        open.extend(types.into_iter().filter_map(|name| home.get(name)));
    }
    needed
}

fn note_message<'a>(
    prefix: &str,
    message: &DescriptorProto,
    file: &'a str,
    home: &mut BTreeMap<String, &'a str>,
) {
    let name = format!("{prefix}.{}", message.name());
    message.nested_type.iter().for_each(|nested| note_message(&name, nested, file, home));
    for enumeration in &message.enum_type {
        home.insert(format!("{name}.{}", enumeration.name()), file);
    }
    home.insert(name, file);
}

fn fields<'a>(message: &'a DescriptorProto, types: &mut Vec<&'a str>) {
    types.extend(message.field.iter().map(|field| field.type_name()).filter(|name| !name.is_empty()));
    message.nested_type.iter().for_each(|nested| fields(nested, types));
}
