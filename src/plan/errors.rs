//! What is printed of an error enum.

use super::service::renamed;
use super::{ErrorEnum, Variant};
use crate::diag::Diagnostics;
use crate::docs;
use crate::model;
use crate::names::{self, Scope};

pub(super) fn plan(errors: &model::ErrorEnum, scope: &mut Scope, diags: &mut Diagnostics) -> ErrorEnum {
    let wanted = names::type_name(&errors.name);
    let name = scope.claim_one(&wanted);
    renamed(&errors.full_name, &wanted, &name, errors.span.as_ref(), diags);
    let mut variants = Scope::with(["Unknown"]);
    ErrorEnum {
        docs: docs::lines(&errors.docs),
        name,
        domain: errors.domain.clone(),
        variants: errors
            .values
            .iter()
            .map(|value| {
                let wanted = names::variant(&errors.name, &value.name);
                let name = variants.claim_one(&wanted);
                renamed(
                    &format!("{}.{}", errors.full_name, value.name),
                    &wanted,
                    &name,
                    value.span.as_ref(),
                    diags,
                );
                variant(value, name)
            })
            .collect(),
    }
}

fn variant(value: &model::ErrorValue, name: String) -> Variant {
    let (code, http) =
        CODES.get(usize::try_from(value.code).unwrap_or_default()).copied().unwrap_or(CODES[UNKNOWN]);
    let mut fields = Scope::default();
    Variant {
        wire: value.name.clone(),
        docs: docs::lines(if value.docs.is_empty() { &value.message.text } else { &value.docs }),
        name,
        number: value.number,
        code,
        http: value.http.and_then(|status| u16::try_from(status).ok()).filter(|status| *status != http),
        retryable: value.retryable,
        message: value.message.text.clone(),
        fields: value
            .message
            .fields
            .iter()
            .map(|wire| (wire.clone(), fields.claim_one(&names::method(wire))))
            .collect(),
    }
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
