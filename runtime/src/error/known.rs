//! The domain errors of this process, so that one can be recognised behind `dyn Error`.
//!
//! In: error types, registered when a server or a client of their service is made. Out: what an error that reached a
//! [`Failure`](super::Failure) is. Read only when a call fails; types are few and never leave.

use std::any::TypeId;
use std::error::Error;
use std::sync::{PoisonError, RwLock};

use tonic::Status;

use super::{CallError, DomainError, NoDomainError, chain, wire};

type Classify = fn(&(dyn Error + 'static)) -> Option<Known>;

static KNOWN: RwLock<Vec<(TypeId, Classify)>> = RwLock::new(Vec::new());

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
    let listed = |list: &[(TypeId, Classify)]| list.iter().any(|(known, _)| *known == id);
    if listed(&KNOWN.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut list = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !listed(&list) {
        list.push((id, classify::<E>));
    }
}

/// Looks for a registered error in `error` and in what caused it.
pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Known> {
    let list = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    chain(error).find_map(|error| {
        list.iter().find_map(|(_, classify)| classify(error)).or_else(|| classify::<NoDomainError>(error))
    })
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
