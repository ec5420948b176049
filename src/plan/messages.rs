//! New names for messages, enums and fields that would meet in Rust.
//!
//! In: the descriptors of a package. Out: the scope of its module with everything that is taken, and edits for what has to
//! make way: the later one in the order of the IDL gets a number. Never: a name on the wire or in reflection.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};

use super::service::renamed;
use super::{Edits, split};
use crate::diag::Diagnostics;
use crate::idl::Locations;
use crate::model::{self, Model};
use crate::names::{self, Scope};

/// Names everything that prost-build will print for a package.
pub(super) fn plan(
    model: &Model,
    package: &model::Package,
    edits: &mut Edits,
    diags: &mut Diagnostics,
) -> Scope {
    let ours = ["FILE_DESCRIPTOR_SET", "__jovian"].map(str::to_owned);
    let mut scope = Scope::with(modules_below(model, &package.name).chain(ours));
    for file in model.files.iter().filter(|file| package.files.contains(&file.name)) {
        let descriptor = &file.descriptor;
        let locations = Locations::new(&file.path, descriptor.source_code_info.as_ref());
        let proto3 = descriptor.syntax() == "proto3";
        let mut namer = Namer { locations: &locations, proto3, edits, diags };
        let errors = |name: &str| package.errors.iter().any(|errors| errors.name == name);
        namer.messages(&mut scope, &file.package, (&[], 4), &descriptor.message_type);
        namer.enums(&mut scope, &file.package, (&[], 5), &descriptor.enum_type, errors);
    }
    scope
}

/// The modules of the packages directly below a package: `v1` below `shop`.
fn modules_below(model: &Model, package: &str) -> impl Iterator<Item = String> {
    let depth = split(package).count();
    let below = model.packages.iter().filter(move |other| split(package).eq(split(&other.name).take(depth)));
    below.filter_map(move |other| split(&other.name).nth(depth)).map(names::module)
}

struct Namer<'a> {
    locations: &'a Locations<'a>,
    proto3: bool,
    edits: &'a mut Edits,
    diags: &'a mut Diagnostics,
}

/// The path of a parent in its descriptor, and the number of the field that holds its children.
type Place<'a> = (&'a [i32], i32);

impl Namer<'_> {
    fn messages(&mut self, scope: &mut Scope, parent: &str, place: Place<'_>, messages: &[DescriptorProto]) {
        for (message, index) in messages.iter().zip(0..) {
            if message.options.as_ref().is_some_and(|options| options.map_entry()) {
                continue;
            }
            let path = [place.0, &[place.1, index]].concat();
            let (full_name, has_module) = (names::full(parent, message.name()), has_module(message));
            self.claim(&full_name, message.name(), &path, names::type_name, |wire| {
                let names = [Some(names::type_name(wire)), has_module.then(|| names::module(wire))];
                scope.take(names.into_iter().flatten().collect())
            });
            self.members(&full_name, &path, message);
        }
    }

    fn enums(
        &mut self,
        scope: &mut Scope,
        parent: &str,
        place: Place<'_>,
        enums: &[EnumDescriptorProto],
        is_error: impl Fn(&str) -> bool,
    ) {
        for (enumeration, index) in
            enums.iter().zip(0..).filter(|(enumeration, _)| !is_error(enumeration.name()))
        {
            let path = [place.0, &[place.1, index]].concat();
            self.claim(
                &names::full(parent, enumeration.name()),
                enumeration.name(),
                &path,
                names::type_name,
                |wire| scope.take(vec![names::type_name(wire)]),
            );
        }
    }

    /// Names the fields of a message and all that is declared inside of it.
    fn members(&mut self, full_name: &str, path: &[i32], message: &DescriptorProto) {
        let (mut fields, mut inner) = (Scope::default(), Scope::default());
        self.messages(&mut inner, full_name, (path, 3), &message.nested_type);
        self.enums(&mut inner, full_name, (path, 4), &message.enum_type, |_| false);
        let mut variants = vec![Scope::default(); message.oneof_decl.len()];
        for (field, index) in message.field.iter().zip(0..) {
            let oneof = field.oneof_index.filter(|_| !field.proto3_optional());
            let variants = oneof.and_then(|oneof| variants.get_mut(usize::try_from(oneof).ok()?));
            let path = [path, &[2, index]].concat();
            let full_name = names::full(full_name, field.name());
            match variants {
                Some(variants) => self.claim(&full_name, field.name(), &path, names::type_name, |wire| {
                    variants.take(vec![names::type_name(wire)])
                }),
                None => {
                    let accessors = self.accessors(field);
                    self.claim(&full_name, field.name(), &path, names::method, |wire| {
                        let name = names::method(wire);
                        let plain = name.trim_start_matches("r#");
                        let methods = accessors.iter().map(|prefix| format!("fn {prefix}{plain}"));
                        let taken = methods.chain([name.clone()]).collect();
                        fields.take(taken)
                    });
                }
            }
        }
        for (oneof, index) in
            message.oneof_decl.iter().zip(0..).filter(|(_, index)| is_printed(message, *index))
        {
            let path = [path, &[8, index]].concat();
            self.claim(&names::full(full_name, oneof.name()), oneof.name(), &path, names::method, |wire| {
                let (field, kind) = (vec![names::method(wire)], vec![oneof_type(message, wire)]);
                fields.is_free(&field) && inner.is_free(&kind) && fields.take(field) && inner.take(kind)
            });
        }
    }

    /// The prefixes of the methods that prost derives for a field.
    fn accessors(&self, field: &FieldDescriptorProto) -> &'static [&'static str] {
        match (field.r#type(), field.label()) {
            (Type::Enum, Label::Repeated) => &["", "push_"],
            (Type::Enum, _) => &["", "set_"],
            (Type::Message | Type::Group, _) | (_, Label::Repeated | Label::Required) => &[],
            _ if self.proto3 && !field.proto3_optional() => &[],
            _ => &[""],
        }
    }

    /// Gives a thing the first name that `take` accepts: its own, or its own with a number.
    fn claim(
        &mut self,
        full_name: &str,
        wire: &str,
        path: &[i32],
        in_rust: fn(&str) -> String,
        mut take: impl FnMut(&str) -> bool,
    ) {
        let name = Scope::numbered(names::spoken(wire), |name| take(name));
        if name != wire {
            renamed(
                full_name,
                &in_rust(wire),
                &in_rust(&name),
                self.locations.name(path).as_ref(),
                self.diags,
            );
            self.edits.renamed.insert(full_name.to_owned(), name);
        }
    }
}

/// Whether prost-build prints a module beside a message.
fn has_module(message: &DescriptorProto) -> bool {
    let is_map =
        |nested: &DescriptorProto| nested.options.as_ref().is_some_and(|options| options.map_entry());
    !message.enum_type.is_empty()
        || message.nested_type.iter().any(|nested| !is_map(nested))
        || message.oneof_decl.iter().zip(0..).any(|(_, index)| is_printed(message, index))
}

/// Whether a oneof is one of the IDL, and not the one behind an `optional`.
fn is_printed(message: &DescriptorProto, oneof: i32) -> bool {
    message.field.iter().any(|field| field.oneof_index == Some(oneof) && !field.proto3_optional())
}

/// prost-build's name of a oneof's enum: another one if a type of the message has it, by the names in the IDL.
fn oneof_type(message: &DescriptorProto, wire: &str) -> String {
    let name = names::type_name(wire);
    let nested = message.nested_type.iter().map(DescriptorProto::name);
    let taken = nested.chain(message.enum_type.iter().map(EnumDescriptorProto::name));
    if taken.map(names::type_name).any(|taken| taken == name) { format!("{name}OneOf") } else { name }
}
