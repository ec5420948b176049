//! What is printed of messages, enums and oneofs beside what prost-build prints: attributes, and a `Debug` that keeps secrets.
//!
//! In: the model, the settings and the names of the plan. Out: [`Extras`], and a warning for every selector that selects nothing.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, OneofDescriptorProto};
use serde::Serialize;

use super::elsewhere::{self, Elsewhere};
use super::{Edits, selection::Selection};
use crate::diag::Diagnostics;
use crate::model::{File, Model, is_map_entry, map_entry, oneof_of};
use crate::names;
use crate::settings::Details;

/// See the module.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Extras {
    /// Messages, enums and oneofs that differ from what prost-build prints, by package and by their path in its module.
    pub types: BTreeMap<String, BTreeMap<String, TypeExtras>>,
    /// The types that other crates have.
    pub elsewhere: Elsewhere,
    /// Fields with `bytes::Bytes`, as prost-build is shown them.
    pub bytes: Vec<String>,
    /// Maps that are a `BTreeMap`, as prost-build is shown them.
    pub btree_map: Vec<String>,
    /// Fields in a box, as prost-build is shown them.
    pub boxed: Vec<String>,
}

/// How one type differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TypeExtras {
    /// In front of the type, in this order.
    pub attributes: Vec<String>,
    /// In front of its fields or variants, by their names in Rust.
    pub fields: BTreeMap<String, Vec<String>>,
    /// It holds a type that somebody else wrote, so nothing is known of it but that it is a message.
    pub foreign: bool,
    /// prost does not derive `Debug`.
    pub skip_debug: bool,
    /// `Debug` is ours: something is redacted, or there is a `BTreeMap`, for whose `Debug` prost-derive 0.14 wants a crate `prost`.
    pub own_debug: bool,
    /// Fields or variants whose values `Debug` does not show, by their names in Rust.
    pub redacted: BTreeSet<String>,
}

/// Decides.
pub(super) fn plan(model: &Model, details: &Details, edits: &Edits, diags: &mut Diagnostics) -> Extras {
    let mut selection = Selection::of(details);
    let elsewhere = Elsewhere::of(model, &mut selection, edits);
    let foreign = elsewhere::holders(model, details);
    let extras = Extras { elsewhere, ..Extras::default() };
    let mut planner = Planner { edits, foreign, selection, extras };
    for file in model.files.iter().filter(|file| file.generate) {
        planner.file(file);
    }
    planner.selection.complain_about_unused(diags);
    planner.extras
}

struct Planner<'a> {
    edits: &'a Edits,
    /// Messages that hold, at any depth, a type that somebody else wrote.
    foreign: BTreeSet<String>,
    selection: Selection<'a>,
    extras: Extras,
}

impl Planner<'_> {
    fn file(&mut self, file: &File) {
        if self.is_plain(file) {
            return;
        }
        for message in &file.descriptor.message_type {
            self.message(file, &names::full(&file.package, message.name()), message);
        }
        for enumeration in &file.descriptor.enum_type {
            self.enumeration(file, &names::full(&file.package, enumeration.name()), enumeration);
        }
        for service in &file.descriptor.service {
            // The plan of the service has them; here they are only counted.
            for setting in ["trait-attribute", "server-attribute", "client-attribute"] {
                self.selection.attributes(setting, &names::full(&file.package, service.name()));
            }
        }
    }

    /// Whether nobody says anything of what is in a file, as of most files.
    fn is_plain(&self, file: &File) -> bool {
        self.selection.is_empty()
            && self.foreign.is_empty()
            && file.redacted.is_empty()
            && !file.descriptor.message_type.iter().any(deprecates)
            && !file.descriptor.enum_type.iter().any(is_deprecated)
    }

    fn message(&mut self, file: &File, full_name: &str, message: &DescriptorProto) {
        if self.extras.elsewhere.path(full_name).is_some() {
            return;
        }
        for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
            self.message(file, &names::full(full_name, nested.name()), nested);
        }
        for enumeration in &message.enum_type {
            self.enumeration(file, &names::full(full_name, enumeration.name()), enumeration);
        }
        let is_deprecated = message.options.as_ref().is_some_and(|options| options.deprecated());
        let mut extras = TypeExtras {
            attributes: self.attributes(
                file,
                full_name,
                is_deprecated,
                &["type-attribute", "message-attribute"],
            ),
            foreign: self.foreign.contains(full_name),
            skip_debug: self.selection.selects("skip-debug", full_name),
            ..TypeExtras::default()
        };
        let like_message = TypeExtras { attributes: Vec::new(), ..extras.clone() };
        let mut oneofs = vec![like_message; message.oneof_decl.len()];
        for field in &message.field {
            let oneof =
                oneof_of(field).and_then(|index| message.oneof_decl.get(index).zip(oneofs.get_mut(index)));
            extras.own_debug |=
                self.choose_types(full_name, message, field, oneof.as_ref().map(|(oneof, _)| *oneof));
            match oneof {
                Some((oneof, extras)) => self.variant(file, full_name, field, oneof, extras),
                None => self.field(file, full_name, field, &mut extras),
            }
        }
        for (oneof, mut oneof_extras) in message.oneof_decl.iter().zip(oneofs) {
            let oneof_name = names::full(full_name, oneof.name());
            oneof_extras.attributes =
                self.attributes(file, &oneof_name, false, &["type-attribute", "enum-attribute"]);
            let attributes = self.selection.attributes("field-attribute", &oneof_name);
            extras.add(self.edits.field_name(&oneof_name), attributes);
            self.note(file, &oneof_name, oneof_extras);
        }
        self.note(file, full_name, extras);
    }

    fn field(&mut self, file: &File, scope: &str, field: &FieldDescriptorProto, extras: &mut TypeExtras) {
        let full_name = names::full(scope, field.name());
        let name = self.edits.field_name(&full_name);
        if file.redacted.contains(&full_name) {
            extras.redacted.insert(name.clone());
            extras.own_debug = true;
        }
        extras.add(name, self.selection.attributes("field-attribute", &full_name));
    }

    fn variant(
        &mut self,
        file: &File,
        scope: &str,
        field: &FieldDescriptorProto,
        oneof: &OneofDescriptorProto,
        extras: &mut TypeExtras,
    ) {
        let full_name = names::full(scope, field.name());
        let name = self.edits.type_name(&full_name);
        if file.redacted.contains(&full_name) {
            extras.redacted.insert(name.clone());
            extras.own_debug = true;
        }
        // For prost-build the oneof is part of a variant's name, in the IDL it is not.
        let for_prost = names::full(&names::full(scope, oneof.name()), field.name());
        let by_oneof = self.selection.attributes("field-attribute", &for_prost);
        let by_field = self.selection.attributes("field-attribute", &full_name);
        extras.add(name, if by_oneof.is_empty() { by_field } else { by_oneof });
    }

    fn enumeration(&mut self, file: &File, full_name: &str, enumeration: &EnumDescriptorProto) {
        if self.extras.elsewhere.path(full_name).is_none() {
            let deprecated = is_deprecated(enumeration);
            let attributes =
                self.attributes(file, full_name, deprecated, &["type-attribute", "enum-attribute"]);
            self.note(file, full_name, TypeExtras { attributes, ..TypeExtras::default() });
        }
    }

    fn attributes(
        &mut self,
        file: &File,
        full_name: &str,
        deprecated: bool,
        settings: &[&'static str],
    ) -> Vec<String> {
        // Without a package there is no module that allows our own code to use it.
        let deprecated = deprecated && !file.package.is_empty();
        let own = deprecated.then(|| "#[deprecated]".to_owned());
        own.into_iter()
            .chain(settings.iter().flat_map(|name| self.selection.attributes(name, full_name)))
            .collect()
    }

    /// The Rust types of a field that prost-build chooses. Says whether it is a `BTreeMap`.
    fn choose_types(
        &mut self,
        scope: &str,
        message: &DescriptorProto,
        field: &FieldDescriptorProto,
        oneof: Option<&OneofDescriptorProto>,
    ) -> bool {
        let full_name = names::full(scope, field.name());
        let shown = |full_name: &str| format!(".{}", self.edits.applied_to(full_name));
        match field.r#type() {
            Type::Bytes if self.selection.selects("bytes", &full_name) => {
                self.extras.bytes.push(shown(&full_name));
            }
            Type::Message if map_entry(&message.nested_type, field).is_some() => {
                let selected = self.selection.selects("btree-map", &full_name);
                self.extras.btree_map.extend(selected.then(|| shown(&full_name)));
                return selected;
            }
            Type::Message | Type::Group => {
                let in_oneof = oneof.map(|it| names::full(&names::full(scope, it.name()), field.name()));
                if self.selection.selects("boxed", in_oneof.as_deref().unwrap_or(&full_name))
                    || self.selection.selects("boxed", &full_name)
                {
                    let (scope, field) = (shown(scope), shown(&full_name));
                    let oneof = oneof.map(|it| shown(&names::full(&scope[1..], it.name())));
                    let path = match oneof {
                        Some(oneof) => format!("{oneof}{}", &field[scope.len()..]),
                        None => field,
                    };
                    self.extras.boxed.push(path);
                }
            }
            _ => {}
        }
        false
    }

    fn note(&mut self, file: &File, full_name: &str, extras: TypeExtras) {
        if extras != TypeExtras::default() {
            let path = self.edits.path(&file.package, &file.package, full_name);
            self.extras.types.entry(file.package.clone()).or_default().insert(path, extras);
        }
    }
}

impl TypeExtras {
    fn add(&mut self, name: String, attributes: Vec<String>) {
        if !attributes.is_empty() {
            self.fields.insert(name, attributes);
        }
    }
}

fn deprecates(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.deprecated())
        || message.nested_type.iter().any(deprecates)
        || message.enum_type.iter().any(is_deprecated)
}

fn is_deprecated(enumeration: &EnumDescriptorProto) -> bool {
    enumeration.options.as_ref().is_some_and(|options| options.deprecated())
}
