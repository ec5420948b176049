//! The domain errors of this process, so that one can be recognised behind `dyn Error`.
//!
//! In: error types, registered when a server or a client of their service is made. Out: what an error that reached a
//! [`Failure`](super::Failure) is, and the number of a reason. Read only when a call fails; types are few and never leave.

use std::any::TypeId;
use std::error::Error;
use std::sync::{PoisonError, RwLock};

use tonic::Status;

use super::{CallError, DomainError, ErrorCode, NoDomainError, chain, wire};

static KNOWN: RwLock<Vec<Type>> = RwLock::new(Vec::new());

/// A type of domain errors.
struct Type {
    id: TypeId,
    classify: fn(&(dyn Error + 'static)) -> Option<Known>,
    domain: &'static str,
    codes: &'static [ErrorCode],
}

/// What an error turned out to be, as the status that says so.
pub(crate) enum Known {
    /// A domain error that the handler made.
    Own(Status),
    /// The error of a call that the handler made.
    Upstream(Status),
}

/// Makes `E` and `CallError<E>` recognisable.
pub(crate) fn register<E: DomainError>() {
    let id = TypeId::of::<E>();
    let listed = |list: &[Type]| list.iter().any(|known| known.id == id);
    if listed(&KNOWN.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut list = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !listed(&list) {
        list.push(Type { id, classify: classify::<E>, domain: E::DOMAIN, codes: E::CODES });
    }
}

/// Looks for a registered error in `error` and in what caused it.
pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Known> {
    let list = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    chain(error).find_map(|error| {
        list.iter().find_map(|known| (known.classify)(error)).or_else(|| classify::<NoDomainError>(error))
    })
}

/// The number that the IDL gives to a reason, if this process knows its domain.
pub(crate) fn number(domain: &str, reason: &str) -> Option<i32> {
    let list = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut codes = list.iter().filter(|known| known.domain == domain).flat_map(|known| known.codes);
    codes.find(|code| code.reason == reason).map(|code| code.number)
}

fn classify<E: DomainError>(error: &(dyn Error + 'static)) -> Option<Known> {
    if let Some(own) = error.downcast_ref::<E>() {
        return Some(Known::Own(wire::status(own)));
    }
    match error.downcast_ref::<CallError<E>>()? {
        CallError::Domain(error) => Some(Known::Upstream(wire::status(error))),
        CallError::Status(status) => Some(Known::Upstream(Status::clone(status))),
    }
}
