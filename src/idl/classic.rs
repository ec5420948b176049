//! An edition file in the words of proto3, which is all that prost knows beside proto2.
//!
//! In: a descriptor and its resolved features. Out: the descriptor that prost-build is given, in which every field says for
//! itself what the features say of it; a warning for what prost does in another way. Reflection sees the file as it was.
//! A file of proto3 only has to say what prost-build would get wrong.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::features::{
    self, EDITION_2023, EnumType, FeatureSet, FieldPresence, MessageEncoding, RepeatedFieldEncoding,
    Utf8Validation,
};
use super::{editions, raw};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::model::{Locations, is_map_entry, map_entry};

/// The path of the `edition` in a descriptor is that of `syntax`, whatever number it has.
const FILE_SYNTAX: [i32; 1] = [12];

/// Rewrites the descriptor of an edition file.
pub(super) fn rewrite(
    file: &raw::File,
    bytes: &[u8],
    locations: &Locations,
    descriptor: &mut FileDescriptorProto,
    diags: &mut Diagnostics,
) {
    descriptor.syntax = Some("proto3".to_owned());
    let defaults = FeatureSet::of_edition(file.edition).filter(|_| file.edition >= EDITION_2023);
    let Some(features) = defaults.and_then(|defaults| features::resolve(bytes, defaults).ok()) else {
        let span = locations.at(&FILE_SYNTAX).unwrap_or_else(|| Span::file(locations.file()));
        diags.push(editions::unknown(&edition_name(file.edition), Some(span)));
        return;
    };
    let mut rewriter = Rewriter { locations, unchecked: Vec::new(), closed: Vec::new() };
    rewriter.messages(&mut descriptor.message_type, &features.messages, "", &[4]);
    rewriter.enums(&descriptor.enum_type, &features.enums, "", &[5]);
    rewriter.warnings().into_iter().for_each(|warning| diags.push(warning));
}

/// `2026` of `EDITION_2026`; a number that is no year is left as it is.
fn edition_name(edition: i32) -> String {
    match edition {
        1002 => "2026".to_owned(),
        9999 => "UNSTABLE".to_owned(),
        _ => edition.to_string(),
    }
}

struct Rewriter<'a> {
    locations: &'a Locations,
    /// Strings that need not be UTF-8.
    unchecked: Vec<(String, Option<Span>)>,
    /// Enums that refuse numbers they do not name.
    closed: Vec<(String, Option<Span>)>,
}

impl Rewriter<'_> {
    fn messages(
        &mut self,
        messages: &mut [DescriptorProto],
        features: &[features::Message],
        scope: &str,
        path: &[i32],
    ) {
        for ((message, features), index) in messages.iter_mut().zip(features).zip(0..) {
            let path = [path, &[index]].concat();
            let name = format!("{scope}{}", message.name());
            let in_entry = is_map_entry(message);
            for ((field, features), index) in message.field.iter_mut().zip(&features.fields).zip(0..) {
                if features.utf8_validation() == Utf8Validation::None && field.r#type() == Type::String {
                    let span = self.locations.name(&[&path[..], &[2, index]].concat());
                    self.unchecked.push((format!("{name}.{}", field.name()), span));
                }
                // A map is encoded in one way only, whatever is set around it.
                if !in_entry && map_entry(&message.nested_type, field).is_none() {
                    rewrite_field(field, features);
                }
            }
            let inner = format!("{name}.");
            self.messages(&mut message.nested_type, &features.messages, &inner, &[&path[..], &[3]].concat());
            self.enums(&message.enum_type, &features.enums, &inner, &[&path[..], &[4]].concat());
        }
    }

    fn enums(&mut self, enums: &[EnumDescriptorProto], features: &[FeatureSet], scope: &str, path: &[i32]) {
        for ((enumeration, features), index) in enums.iter().zip(features).zip(0..) {
            if features.enum_type() == EnumType::Closed {
                let span = self.locations.name(&[path, &[index]].concat());
                self.closed.push((format!("{scope}{}", enumeration.name()), span));
            }
        }
    }

    /// One warning for each feature that prost does not keep.
    fn warnings(self) -> Vec<Diagnostic> {
        let warning = |things: Vec<(String, Option<Span>)>, feature: &str, instead: &str, help: &str| {
            let others = match things.len() {
                0 | 1 => String::new(),
                2 => " and 1 other".to_owned(),
                many => format!(" and {} others", many - 1),
            };
            let (name, span) = things.into_iter().next()?;
            let message = format!("`features.{feature}` has no effect on `{name}`{others}: {instead}");
            Some(Diagnostic::warning(Code::Feature, message).at(span).help(help))
        };
        let unchecked = warning(
            self.unchecked,
            "utf8_validation = NONE",
            "a Rust `String` is always UTF-8, and a message with anything else in it is refused",
            "declare it as `bytes` if it may hold anything else",
        );
        let closed = warning(
            self.closed,
            "enum_type = CLOSED",
            "a number that the enum does not name is kept in the field, not among the unknown fields",
            "expect such numbers; `try_from` tells them apart",
        );
        unchecked.into_iter().chain(closed).collect()
    }
}

/// Writes out that fields of proto3 are packed: of a field that has any other option, prost-build takes it that they are not.
pub(super) fn pack(messages: &mut [DescriptorProto]) {
    for message in messages {
        for field in message.field.iter_mut().filter(|field| field.label() == Label::Repeated) {
            if let Some(options) = &mut field.options {
                options.packed.get_or_insert(true);
            }
        }
        pack(&mut message.nested_type);
    }
}

/// Writes out what the features say of a field.
fn rewrite_field(field: &mut FieldDescriptorProto, features: &FeatureSet) {
    let in_oneof = field.oneof_index.is_some();
    if field.label() == Label::Repeated {
        let packed = features.repeated_field_encoding() == RepeatedFieldEncoding::Packed;
        field.options.get_or_insert_default().packed = Some(packed);
    }
    if field.r#type() == Type::Message && features.message_encoding() == MessageEncoding::Delimited {
        field.set_type(Type::Group);
    }
    if field.label() == Label::Optional && !in_oneof {
        match (features.field_presence(), field.r#type()) {
            (FieldPresence::LegacyRequired, _) => field.set_label(Label::Required),
            // Messages always have presence; of groups, proto3 has to be told.
            (_, Type::Message) => {}
            (FieldPresence::Explicit, _) | (_, Type::Group) => field.proto3_optional = Some(true),
            _ => {}
        }
    }
}
