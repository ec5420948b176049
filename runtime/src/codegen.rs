//! The one door by which generated code reaches this crate. People have no need to look here.
//!
//! What stands in a version stays, so that code that was generated for it goes on compiling.

/// The names that generated code of version 1 uses.
pub mod v1 {
    pub use ::prost;
    pub use ::prost_types;
    pub use futures_core::Stream;

    pub use crate::app::App;
    pub use crate::call::{Call, CallOptions};
    pub use crate::client::{Client, ConnectError, ReplyStream};
    pub use crate::descriptor::{Idempotency, Kind, Method, Service};
    pub use crate::error::{
        CallError, Code, DomainError, ErrorCode, ErrorFields, ErrorParts, Failure, IntoFailure,
        NoDomainError, Status, UnknownError, display_error, domain_failure,
    };
    pub use crate::interceptor::Interceptor;
    pub use crate::server::{BoundService, Exchange, Handler, Incoming, Replies, boxed, finish};
}
