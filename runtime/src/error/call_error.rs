//! What a caller gets instead of a reply.

use std::fmt;

use tonic::{Code, Status};

use super::{DomainError, Failure, IntoFailure, wire};

/// A call failed: with an error that the IDL of the service declares, or with any other status.
#[derive(Clone, Debug)]
pub enum CallError<E> {
    /// An error of the service's domain.
    Domain(E),
    /// Any other failure: of the service, of the way there, of this side.
    Status(Box<Status>),
}

impl<E: DomainError> CallError<E> {
    /// Finds the domain error in a status, if there is one of this domain.
    pub fn from_status(status: Status) -> Self {
        match wire::domain_error(&status) {
            Some(error) => Self::Domain(error),
            None => Self::Status(Box::new(status)),
        }
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        match self {
            Self::Domain(error) => error.parts().code,
            Self::Status(status) => status.code(),
        }
    }

    /// The error of the domain, if it is one.
    pub fn domain(&self) -> Option<&E> {
        match self {
            Self::Domain(error) => Some(error),
            Self::Status(_) => None,
        }
    }

    /// The status as it came. A gateway that hides nothing returns this instead of using `?` on the error.
    pub fn into_status(self) -> Status {
        match self {
            Self::Domain(error) => wire::status(&error),
            Self::Status(status) => *status,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(error) => error.fmt(f),
            Self::Status(status) => write!(f, "{:?}: {}", status.code(), status.message()),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Domain(error) => error.source(),
            Self::Status(status) => status.source(),
        }
    }
}

impl<E: DomainError> IntoFailure for CallError<E> {
    fn into_failure(self) -> Failure {
        Failure::upstream(self.into_status())
    }
}
