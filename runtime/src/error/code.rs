//! What an IDL says of one reason.

use super::Code;

/// One reason of an error enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorCode {
    /// Its number in the enum: 10001.
    pub number: i32,
    /// Its name on the wire: `ORDER_NOT_FOUND`.
    pub reason: &'static str,
    /// The gRPC code that it is sent with.
    pub code: Code,
    /// The HTTP status that a gateway answers with: 404.
    pub http: u16,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The text with `{fields}`: `no order {id}`. May be empty.
    pub message: &'static str,
}

impl ErrorCode {
    /// A reason with the HTTP status of its code, not retryable, without a text.
    pub const fn new(number: i32, reason: &'static str, code: Code) -> Self {
        Self { number, reason, code, http: http_status(code), retryable: false, message: "" }
    }

    /// Sets the text.
    #[must_use]
    pub const fn message(mut self, message: &'static str) -> Self {
        self.message = message;
        self
    }

    /// Sets the HTTP status.
    #[must_use]
    pub const fn http(mut self, status: u16) -> Self {
        self.http = status;
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The HTTP status that stands for a gRPC code, as `google/rpc/code.proto` has it.
pub(crate) const fn http_status(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}
