//! The errors of a domain.

use super::{docs_and, fill};
use crate::plan::{ErrorEnum, Variant};

const ERRORS: &str = r"
$docs
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum $name {
    $declared
    /// An error that this version of the IDL does not know. Servers never make one.
    Unknown(__jovian::UnknownError),
}

impl __jovian::DomainError for $name {
    const DOMAIN: &'static str = $domain;
    const CODES: &'static [__jovian::ErrorCode] = &[
        $codes
    ];

    fn parts(&self) -> __jovian::ErrorParts<'_> {
        match self {
            $parts
            Self::Unknown(unknown) => __jovian::ErrorParts::unknown(unknown),
        }
    }

    fn from_parts($reason: &str, $fields: &mut __jovian::ErrorFields) -> ::core::option::Option<Self> {
        $known
    }

    fn from_unknown(unknown: __jovian::UnknownError) -> Self {
        Self::Unknown(unknown)
    }
}

impl ::core::fmt::Display for $name {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        __jovian::display_error(self, f)
    }
}

impl ::core::error::Error for $name {}

impl __jovian::IntoFailure for $name {
    fn into_failure(self) -> __jovian::Failure {
        __jovian::domain_failure(self)
    }
}
";

const KNOWN: &str = r"
::core::option::Option::Some(match reason {
    $known
    _ => return ::core::option::Option::None,
})
";

const STRUCT: &str = r"
$docs
$name {
    $fields
},
";

pub(super) fn items(errors: &ErrorEnum) -> String {
    let ErrorEnum { name, domain, variants, .. } = errors;
    let docs = docs_and(&errors.docs, &format!("The errors of `{domain}`."));
    let domain = format!("{domain:?}");
    let declared: String = variants.iter().map(declared).collect();
    let codes: String = variants.iter().map(code).collect();
    let parts: String = variants.iter().enumerate().map(|(index, variant)| parts(variant, index)).collect();
    let known: String = variants.iter().map(known).collect();
    // Without variants nothing would be left to match.
    let (reason, known) = match variants.is_empty() {
        true => ("_", "::core::option::Option::None".to_owned()),
        false => ("reason", fill!(KNOWN, known)),
    };
    let fields = if variants.iter().all(|variant| variant.fields.is_empty()) { "_" } else { "fields" };
    fill!(ERRORS, docs, name, declared, domain, codes, parts, reason, fields, known)
}

fn declared(variant: &Variant) -> String {
    let name = &variant.name;
    let docs = docs_and(&variant.docs, &format!("Reason `{}`.", variant.wire));
    if variant.fields.is_empty() {
        return fill!("$docs\n$name,\n", docs, name);
    }
    let field = |(wire, field): &(String, String)| {
        format!("/// Fills `{{{wire}}}` of the message.\n{field}: ::std::string::String,\n")
    };
    let fields: String = variant.fields.iter().map(field).collect();
    fill!(STRUCT, docs, name, fields)
}

fn code(variant: &Variant) -> String {
    let Variant { wire, number, code, message, .. } = variant;
    let mut text = format!("__jovian::ErrorCode::new({number}, {wire:?}, __jovian::Code::{code})");
    if !message.is_empty() {
        text.push_str(&format!("\n    .message({message:?})"));
    }
    if let Some(http) = variant.http {
        text.push_str(&format!("\n    .http({http})"));
    }
    if variant.retryable {
        text.push_str("\n    .retryable()");
    }
    text + ",\n"
}

fn parts(variant: &Variant, index: usize) -> String {
    let Variant { name, fields, .. } = variant;
    if fields.is_empty() {
        return format!("Self::{name} => __jovian::ErrorParts::known(&Self::CODES[{index}], []),\n");
    }
    let names: Vec<&str> = fields.iter().map(|(_, field)| field.as_str()).collect();
    let pairs: Vec<String> =
        fields.iter().map(|(wire, field)| format!("({wire:?}, {field}.as_str())")).collect();
    let (names, pairs) = (names.join(", "), pairs.join(", "));
    format!("Self::{name} {{ {names} }} => __jovian::ErrorParts::known(&Self::CODES[{index}], [{pairs}]),\n")
}

fn known(variant: &Variant) -> String {
    let Variant { wire, name, fields, .. } = variant;
    if fields.is_empty() {
        return format!("{wire:?} => Self::{name},\n");
    }
    let taken = fields.iter().map(|(wire, field)| format!("{field}: fields.take({wire:?})"));
    format!("{wire:?} => Self::{name} {{ {} }},\n", taken.collect::<Vec<_>>().join(", "))
}
