//! Code generated from IDL that other people wrote, under lints as strict as a user's may be.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
#![deny(clippy::all, rustdoc::all)]

/// What crates ship: `grpc.health.v1`, `grpc.reflection.{v1,v1alpha}`, `opentelemetry.proto`.
pub mod crates {
    include!(concat!(env!("OUT_DIR"), "/crates/mod.rs"));
}

/// Google's: `google.longrunning`, `google.pubsub.v1`.
#[cfg(google)]
pub mod googleapis {
    include!(concat!(env!("OUT_DIR"), "/google/mod.rs"));
}
