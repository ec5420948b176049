//! Errors: what handlers return, what crosses the wire, what callers get.
//!
//! In: an error of a handler. Out: a [`Status`] whose details name the domain error, and on the other side the typed
//! error again. Never: the text of an error that nobody declared in an IDL.

use std::collections::BTreeMap;
use std::fmt;

pub use tonic::{Code, Status};

mod call_error;
mod code;
mod failure;
pub(crate) mod known;
pub(crate) mod wire;

pub use call_error::CallError;
pub use code::ErrorCode;
pub use failure::{Failure, IntoFailure, domain_failure};

/// An error enum that was declared in an IDL; generated code implements it.
pub trait DomainError: std::error::Error + Send + Sync + Sized + 'static {
    /// Who declares the reasons: `shop.order`.
    const DOMAIN: &'static str;
    /// What the IDL says of each reason.
    const CODES: &'static [ErrorCode];

    /// What crosses the wire.
    fn parts(&self) -> ErrorParts<'_>;

    /// The variant of a reason, or `None` if this version of the IDL does not know it.
    fn from_parts(reason: &str, fields: &mut ErrorFields) -> Option<Self>;

    /// The variant for a reason that this version of the IDL does not know.
    fn from_unknown(unknown: UnknownError) -> Self;

    /// What the IDL says of this error; `None` for a reason that this version does not know.
    fn info(&self) -> Option<&'static ErrorCode> {
        self.parts().known
    }
}

/// A reason that this version of an IDL does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownError {
    /// The reason: `ORDER_FROZEN`.
    pub reason: String,
    /// The text that came with it.
    pub message: String,
    /// The fields that came with it.
    pub metadata: BTreeMap<String, String>,
    /// The gRPC code that came with it.
    pub code: Code,
}

/// An error, taken apart.
#[derive(Clone, Debug)]
pub struct ErrorParts<'a> {
    known: Option<&'static ErrorCode>,
    reason: &'a str,
    code: Code,
    /// The text, for a reason without a template.
    message: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> ErrorParts<'a> {
    /// A reason of the IDL with the fields of its variant.
    pub fn known<const N: usize>(code: &'static ErrorCode, fields: [(&'static str, &'a str); N]) -> Self {
        Self {
            known: Some(code),
            reason: code.reason,
            code: code.code,
            message: "",
            fields: Vec::from(fields),
        }
    }

    /// A reason that this version of the IDL does not know.
    pub fn unknown(unknown: &'a UnknownError) -> Self {
        let fields = unknown.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Self { known: None, reason: &unknown.reason, code: unknown.code, message: &unknown.message, fields }
    }

    /// The text: the template with the fields filled in; empty if there is none.
    fn message(&self) -> String {
        match self.known {
            Some(known) => render(known.message, &self.fields),
            None => self.message.to_owned(),
        }
    }
}

/// The fields of an error that came over the wire.
#[derive(Clone, Debug, Default)]
pub struct ErrorFields(BTreeMap<String, String>);

impl ErrorFields {
    pub(crate) fn new(fields: BTreeMap<String, String>) -> Self {
        Self(fields)
    }

    /// Takes a field out; empty if it did not come.
    pub fn take(&mut self, name: &str) -> String {
        self.0.remove(name).unwrap_or_default()
    }
}

/// The error type of a service that has no domain errors. It has no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDomainError {}

impl fmt::Display for NoDomainError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for NoDomainError {}

impl DomainError for NoDomainError {
    const DOMAIN: &'static str = "";
    const CODES: &'static [ErrorCode] = &[];

    fn parts(&self) -> ErrorParts<'_> {
        match *self {}
    }

    fn from_parts(_: &str, _: &mut ErrorFields) -> Option<Self> {
        None
    }

    fn from_unknown(_: UnknownError) -> Self {
        unreachable!("no error belongs to the domain without a name, so none of it is unknown")
    }
}

impl IntoFailure for NoDomainError {
    fn into_failure(self) -> Failure {
        match self {}
    }
}

/// Writes an error as `ORDER_NOT_FOUND (10001): no order 42`, for the `Display` of generated enums.
///
/// # Errors
///
/// Fails when the formatter does.
pub fn display_error<E: DomainError>(error: &E, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let parts = error.parts();
    f.write_str(parts.reason)?;
    if let Some(known) = parts.known {
        write!(f, " ({})", known.number)?;
    }
    match parts.message() {
        none if none.is_empty() => Ok(()),
        message => write!(f, ": {message}"),
    }
}

/// An error, and what caused it.
fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    let cause = |error: &&'a (dyn std::error::Error + 'static)| (*error).source();
    std::iter::successors(Some(error), cause)
}

/// Puts fields in place of their `{name}`; whatever else stands in braces stays.
fn render(template: &str, fields: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let field = after
            .split_once('}')
            .and_then(|(name, tail)| Some((fields.iter().find(|(field, _)| *field == name)?.1, tail)));
        rest = match field {
            Some((value, tail)) => {
                text.push_str(value);
                tail
            }
            None => {
                text.push('{');
                after
            }
        };
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn a_template_is_filled_once() {
        let fields = [("id", "{sku}"), ("sku", "7")];
        assert_eq!(render("no order {id}, sku {sku}", &fields), "no order {sku}, sku 7");
        assert_eq!(render("{other} {{id}} {", &fields), "{other} {{sku}} {");
        assert_eq!(render("", &fields), "");
    }
}
