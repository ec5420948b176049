//! What programs of others cannot use, for those who say that they have such callers: the setting `peers`.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::DescriptorProto;

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::idl;
use crate::model::{File, Method, Model, Service, map_entry};
use crate::names;
use crate::settings::Settings;

/// Field numbers of descriptor.proto that paths are made of.
const FILE_MESSAGE: i32 = 4;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_NESTED: i32 = 3;

/// Warns of what the peers that the settings name cannot use.
pub(super) fn all(model: &Model, settings: &Settings, diags: &mut Diagnostics) {
    let has = |name: &str| settings.details.peers.iter().any(|peer| peer == name);
    if !has("java") && !has("kitex") {
        return;
    }
    let types = types(model);
    let printed = model.packages.iter().filter(|package| package.printed);
    let services: Vec<&Service> = printed.flat_map(|package| &package.services).collect();
    if has("java") {
        for service in &services {
            in_a_package(service, diags);
            one_case(service, diags);
            types_of_this_run(service, &types, diags);
        }
    }
    if has("kitex") {
        whole_entries(&services, &types, diags);
    }
}

/// A message and where it stands.
struct Type<'a> {
    file: &'a File,
    message: &'a DescriptorProto,
    path: Vec<i32>,
}

/// All messages by their full names.
fn types(model: &Model) -> BTreeMap<String, Type<'_>> {
    let mut types = BTreeMap::new();
    for file in &model.files {
        for (message, index) in file.descriptor.message_type.iter().zip(0..) {
            note(Type { file, message, path: vec![FILE_MESSAGE, index] }, &file.package, &mut types);
        }
    }
    types
}

fn note<'a>(found: Type<'a>, scope: &str, types: &mut BTreeMap<String, Type<'a>>) {
    let name = names::full(scope, found.message.name());
    for (message, index) in found.message.nested_type.iter().zip(0..) {
        let path = [found.path.as_slice(), &[MESSAGE_NESTED, index]].concat();
        note(Type { file: found.file, message, path }, &name, types);
    }
    types.insert(name, found);
}

fn warn(problem: String, span: Option<Span>, help: &str, diags: &mut Diagnostics) {
    diags.push(Diagnostic::warning(Code::Peer, problem).at(span).help(help));
}

/// Java 3.2.7 fails on services without a package (apache/dubbo#13372).
fn in_a_package(service: &Service, diags: &mut Diagnostics) {
    if service.full_name == service.name {
        let problem =
            format!("`{}` is in no package, and Dubbo 3.2.7 for Java fails on such a service", service.name);
        warn(problem, service.span.clone(), "give the file a `package`", diags);
    }
}

/// Java and Dubbo know a method by its name with the first letter in lower case.
fn one_case(service: &Service, diags: &mut Diagnostics) {
    let mut known: BTreeMap<String, &Method> = BTreeMap::new();
    for method in &service.methods {
        let mut java = method.name.clone();
        java.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
        if let Some(first) = known.insert(java, method) {
            let problem = format!("`{}` and `{}` are one method in Java", first.name, method.name);
            let help = "give one of them another name: methods of Java begin in lower case, as callers on Dubbo may write them";
            diags.push(
                Diagnostic::warning(Code::Peer, problem)
                    .at(method.span.clone())
                    .label(first.span.as_ref(), "the other one")
                    .help(help),
            );
        }
    }
}

/// dubbo-compiler prints no type for a request or a reply that is declared outside of its run, and what it prints does not
/// compile (3.3.5).
fn types_of_this_run(service: &Service, types: &BTreeMap<String, Type<'_>>, diags: &mut Diagnostics) {
    for method in &service.methods {
        for (name, role) in [(&method.input, "request"), (&method.output, "reply")] {
            let elsewhere = types.get(name).filter(|it| idl::is_carried(&it.file.name) || !it.file.generate);
            if elsewhere.is_some() {
                let problem = format!(
                    "the {role} of `{}` is `{name}`, which Dubbo for Java cannot use there",
                    method.name
                );
                let help = "dubbo-compiler knows the messages of the files that it is given; declare a message of your own, \
                            in which this one may be a field";
                warn(problem, method.span.clone(), help, diags);
            }
        }
    }
}

/// Kitex (prutal 0.1.3) fails on a message in which an entry of a map lacks its key or its value, and protobuf in Rust leaves
/// out what is the default.
fn whole_entries(services: &[&Service], types: &BTreeMap<String, Type<'_>>, diags: &mut Diagnostics) {
    let methods = services.iter().flat_map(|service| &service.methods);
    let mut open: Vec<&str> =
        methods.flat_map(|method| [&method.output, &method.input]).map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            let fields = types.get(name).into_iter().flat_map(|found| &found.message.field);
            open.extend(fields.map(|field| field.type_name().trim_start_matches('.')));
        }
    }
    for (name, Type { file, message, path }) in types.iter().filter(|(name, _)| seen.contains(name.as_str()))
    {
        for (field, index) in message.field.iter().zip(0..) {
            if map_entry(&message.nested_type, field).is_some() {
                let span = file.locations.name(&[path.as_slice(), &[MESSAGE_FIELD, index]].concat());
                let problem = format!("Kitex cannot read every entry of the map `{name}.{}`", field.name());
                let help = "a key or a value that is 0, false or empty is left out, and the whole message then fails there; \
                            send none such, or make it a list of messages with both fields";
                warn(problem, span, help, diags);
            }
        }
    }
}
