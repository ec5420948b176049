//! The one door by which generated code reaches this crate. People have no need to look here.
//!
//! What stands in a version stays, so that code that was generated for it goes on compiling.

/// The names that generated code of version 1 uses.
pub mod v1 {
    pub use ::prost;
    pub use ::prost_types;
    pub use futures_core::Stream;
    pub use serde;

    pub use crate::__json_v1 as json;
    pub use crate::app::App;
    pub use crate::call::{Call, CallOptions};
    pub use crate::client::{BalancingSection, Client, ConnectError, ReplyStream, Target};
    pub use crate::codec::Encoding;
    pub use crate::descriptor::{Idempotency, Kind, Method, Service};
    pub use crate::error::{
        CallError, Code, DomainError, ErrorCode, ErrorFields, ErrorParts, Failure, IntoFailure,
        NoDomainError, Status, UnknownError, display_error, domain_failure,
    };
    pub use crate::interceptor::Interceptor;
    #[cfg(feature = "serde")]
    pub use crate::json::{Schema, deserialize, deserialize_enum, serialize};
    pub use crate::policy::{Policies, Policy, Retry, UnknownTarget};
    pub use crate::server::{BoundService, Exchange, Handler, Incoming, Replies, boxed, finish};
}

/// Gives messages and enums serde's traits, after the JSON mapping of protobuf.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __json_v1 {
    (
        messages { $($message:ty = $message_name:literal,)* }
        enums { $($enumeration:ty = $enum_name:literal,)* }
        descriptors $descriptors:literal
    ) => {
        const _: () = {
            static SCHEMA: $crate::codegen::v1::Schema = $crate::codegen::v1::Schema::new($descriptors);
            $(
                #[allow(deprecated)]
                impl $crate::codegen::v1::serde::Serialize for $message {
                    fn serialize<S: $crate::codegen::v1::serde::Serializer>(
                        &self,
                        serializer: S,
                    ) -> ::core::result::Result<S::Ok, S::Error> {
                        $crate::codegen::v1::serialize(&SCHEMA, $message_name, self, serializer)
                    }
                }
                #[allow(deprecated)]
                impl<'de> $crate::codegen::v1::serde::Deserialize<'de> for $message {
                    fn deserialize<D: $crate::codegen::v1::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> ::core::result::Result<Self, D::Error> {
                        $crate::codegen::v1::deserialize(&SCHEMA, $message_name, deserializer)
                    }
                }
            )*
            $(
                #[allow(deprecated)]
                impl $crate::codegen::v1::serde::Serialize for $enumeration {
                    fn serialize<S: $crate::codegen::v1::serde::Serializer>(
                        &self,
                        serializer: S,
                    ) -> ::core::result::Result<S::Ok, S::Error> {
                        serializer.serialize_str(Self::as_str_name(self))
                    }
                }
                #[allow(deprecated)]
                impl<'de> $crate::codegen::v1::serde::Deserialize<'de> for $enumeration {
                    fn deserialize<D: $crate::codegen::v1::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> ::core::result::Result<Self, D::Error> {
                        let named = Self::from_str_name;
                        $crate::codegen::v1::deserialize_enum($enum_name, named, deserializer)
                    }
                }
            )*
        };
    };
}

/// Says what is missing.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __json_v1 {
    ($($types:tt)*) => {
        ::core::compile_error!(
            "this code was generated with the setting `serde`, which takes the feature `serde` of `jovian-runtime`: \
             write `features = [\"serde\"]` where `Cargo.toml` names that crate"
        );
    };
}
