//! The error that every handler error becomes, and the status that it is answered with.

use std::error::Error;
use std::fmt;

use tonic::{Code, Status};

use super::{DomainError, chain, known, wire};
use crate::call::Call;

/// The open error of handlers: `?` takes anything into it.
///
/// * A domain error of a service that this process serves or has a client of, even behind `dyn Error`, stays the domain error;
///   any other one by [`into_failure`](IntoFailure::into_failure).
/// * A [`Status`] that the handler made is sent as it is.
/// * The error of a call to another service ([`CallError`](crate::CallError)): a domain error keeps its reason, domain,
///   fields and text. `DEADLINE_EXCEEDED` and `CANCELLED` stay only if our own call is over, else they are `UNAVAILABLE`:
///   it was the other service's time that ran out. The text of `INTERNAL` and `UNKNOWN` is replaced. Of other
///   statuses code and text stay, details and metadata do not.
/// * Anything else is `INTERNAL`. Its text is logged and never sent.
///
/// It is not itself an [`Error`], or there could be no `From` for all of them.
pub struct Failure(Cause);

enum Cause {
    Own(Status),
    Upstream(Status),
    Foreign(Box<dyn Error + Send + Sync>),
}

/// An error that a handler may return: a generated enum, [`Failure`], or a team's own enum.
pub trait IntoFailure: Send + 'static {
    /// The failure that the call is answered with.
    fn into_failure(self) -> Failure;
}

impl IntoFailure for Failure {
    fn into_failure(self) -> Failure {
        self
    }
}

impl IntoFailure for Status {
    fn into_failure(self) -> Failure {
        Failure(Cause::Own(self))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::boxed(Box::new(error))
    }
}

/// The failure of a domain error, for the `IntoFailure` of generated enums.
pub fn domain_failure<E: DomainError>(error: E) -> Failure {
    Failure(Cause::Own(wire::status(&error)))
}

impl Failure {
    /// Answers with this code and this text, which the caller will see.
    pub fn status(code: Code, message: impl Into<String>) -> Self {
        Self(Cause::Own(Status::new(code, message)))
    }

    /// Answers `UNIMPLEMENTED`: `Failure::unimplemented(call.method().name())`.
    pub fn unimplemented(what: impl fmt::Display) -> Self {
        Self::status(Code::Unimplemented, format!("`{what}` is not implemented"))
    }

    /// Takes an error that is behind a box already, such as `anyhow`'s after `into()`.
    pub fn boxed(error: Box<dyn Error + Send + Sync>) -> Self {
        Self(match error.downcast::<Status>() {
            Ok(status) => Cause::Own(*status),
            Err(error) => Cause::Foreign(error),
        })
    }

    /// The failure of a call to another service, which the rules above are for.
    pub(super) fn upstream(status: Status) -> Self {
        Self(Cause::Upstream(status))
    }

    /// Decides what the caller is told.
    pub(crate) fn settle(self, call: &Call) -> Settled {
        let path = call.method().path;
        match self.0 {
            Cause::Own(status) => Settled { status, upstream: false },
            Cause::Upstream(status) => Settled { status: forward(&status, call), upstream: true },
            Cause::Foreign(error) => match known::find(error.as_ref()) {
                Some(known::Known::Own(status)) => Settled { status, upstream: false },
                Some(known::Known::Upstream(status)) => {
                    Settled { status: forward(&status, call), upstream: true }
                }
                None => {
                    tracing::error!(method = path, error = %Chain(error.as_ref()), "the handler failed");
                    Settled { status: Status::internal("internal error"), upstream: false }
                }
            },
        }
    }
}

/// A failure after the rules.
pub(crate) struct Settled {
    pub(crate) status: Status,
    /// Whether the error came from a service that the handler called.
    pub(crate) upstream: bool,
}

fn forward(status: &Status, call: &Call) -> Status {
    if let Some(info) = wire::info(status) {
        return wire::with_info(status.code(), status.message().to_owned(), &info);
    }
    let code = status.code();
    let hidden = match code {
        Code::DeadlineExceeded | Code::Cancelled if call.is_over() => {
            return Status::new(code, status.message());
        }
        Code::DeadlineExceeded => Status::unavailable("a service that this one calls did not answer in time"),
        Code::Cancelled => Status::unavailable("a service that this one calls gave up"),
        Code::Internal | Code::Unknown => Status::new(code, "a service that this one calls failed"),
        _ => return Status::new(code, status.message()),
    };
    tracing::warn!(
        method = call.method().path,
        ?code,
        message = status.message(),
        "a call to another service failed"
    );
    hidden
}

/// An error and what caused it, in one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        chain(self.0).skip(1).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Own(status) => f.debug_tuple("Failure").field(status).finish(),
            Cause::Upstream(status) => f.debug_tuple("Failure::Upstream").field(status).finish(),
            Cause::Foreign(error) => f.debug_tuple("Failure::Foreign").field(error).finish(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Own(status) | Cause::Upstream(status) => {
                write!(f, "{:?}: {}", status.code(), status.message())
            }
            Cause::Foreign(error) => Chain(error.as_ref()).fmt(f),
        }
    }
}
