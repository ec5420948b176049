//! Generated Rust against real Python `grpcio`: what both directions of the tests share.
//!
//! [`courier`] is what Jovian makes of `proto/interop/courier/v1/courier.proto`, [`testing`] of `proto/grpc/testing/test.proto`;
//! [`python`] is a Python that speaks gRPC.

use std::path::Path;

pub mod python;

/// The generated code, as a module tree that follows the packages.
pub mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}
/// The generated code of the case `json`, as `tests/cases` has it.
pub mod json {
    include!("../../cases/json/out/mod.rs");
}
pub use generated::grpc::testing;
pub use generated::interop::courier::v1 as courier;

use python::Python;

/// A Python that has stubs of the courier; see [`Python::new`].
pub fn courier_python(target: &str) -> Option<Python> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let include = [&*here.join("proto"), &*here.join("../../proto-plugins/include")];
    Python::new(
        target,
        here.join("python"),
        &include,
        &["interop/courier/v1/courier.proto", "jovian/options.proto"],
    )
}

/// A Python that has stubs of gRPC's interoperability tests; see [`Python::new`].
pub fn testing_python(target: &str) -> Option<Python> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Python::new(target, here.join("python"), &[&*here.join("proto")], &["grpc/testing/test.proto"])
}
