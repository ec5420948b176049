//! What is printed of an error enum.

use std::collections::BTreeSet;

use super::edits::Printed;
use super::scope::{Desk, Kind, Place, Scope, Thing, Wish};
use super::{ErrorEnum, Variant};
use crate::docs;
use crate::model;
use crate::names;

pub(super) fn plan(errors: &model::ErrorEnum, name: String, desk: &mut Desk<'_>) -> ErrorEnum {
    let mut scope = Scope::default();
    scope.reserve("Unknown", "the error of an IDL that is newer than this one");
    let wishes = errors.values.iter().map(|value| {
        let thing =
            Thing { scope: &errors.full_name, name: &value.name, place: Place::Known(value.span.as_ref()) };
        let printed = Printed::of_type(names::variant(&errors.name, names::spoken(&value.name)));
        Wish { thing, kind: Kind::Error, printed, forced: false }
    });
    let names = scope.settle(wishes.collect(), desk);
    ErrorEnum {
        docs: docs::lines(&errors.docs),
        name,
        domain: errors.domain.clone(),
        variants: errors.values.iter().zip(names).map(|(value, name)| variant(value, name.upper)).collect(),
    }
}

fn variant(value: &model::ErrorValue, name: String) -> Variant {
    let (code, http) = standard(value.code);
    let mut fields = BTreeSet::new();
    let mut field = |wire: &String| {
        let mut name = names::method(names::spoken(wire));
        while !fields.insert(name.clone()) {
            name = names::suffixed(&name, "_");
        }
        (wire.clone(), name)
    };
    Variant {
        wire: value.name.clone(),
        docs: docs::lines(if value.docs.is_empty() { &value.message.text } else { &value.docs }),
        name,
        number: value.number,
        code,
        http: value.http.and_then(|status| u16::try_from(status).ok()).filter(|status| *status != http),
        retryable: value.retryable,
        message: value.message.text.clone(),
        fields: value.message.fields.iter().map(&mut field).collect(),
    }
}

/// tonic's name of a gRPC code, and the HTTP status that belongs to it; those of UNKNOWN for a number that is none.
pub(crate) fn standard(code: i32) -> (&'static str, u16) {
    let known = usize::try_from(code).ok().and_then(|code| CODES.get(code));
    *known.unwrap_or(&CODES[UNKNOWN])
}

const UNKNOWN: usize = 2;

/// tonic's name of each gRPC code and the HTTP status that belongs to it (the mapping of `google/rpc/code.proto`).
const CODES: [(&str, u16); 17] = [
    ("Ok", 200),
    ("Cancelled", 499),
    ("Unknown", 500),
    ("InvalidArgument", 400),
    ("DeadlineExceeded", 504),
    ("NotFound", 404),
    ("AlreadyExists", 409),
    ("PermissionDenied", 403),
    ("ResourceExhausted", 429),
    ("FailedPrecondition", 400),
    ("Aborted", 409),
    ("OutOfRange", 400),
    ("Unimplemented", 501),
    ("Internal", 500),
    ("Unavailable", 503),
    ("DataLoss", 500),
    ("Unauthenticated", 401),
];
