//! The IDL that nobody has to have: what Jovian carries, and the names of what protobuf brings.

#[cfg(feature = "cli")]
use protox::file::{ChainFileResolver, GoogleFileResolver};

#[cfg(feature = "cli")]
use super::roots::Roots;

macro_rules! carried {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../proto-plugins/include/", $name)))),+]
    };
}

/// The IDL that users may import without having it.
const CARRIED: &[(&str, &str)] = carried![
    "buf/validate/validate.proto",
    "error/v1/error.proto",
    "errors/errors.proto",
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "jovian/options.proto",
];

/// Whether `name` is one of protobuf's own files, whose types are `prost_types`'.
pub(crate) fn is_well_known(name: &str) -> bool {
    let known = [
        "any",
        "api",
        "compiler/plugin",
        "descriptor",
        "duration",
        "empty",
        "field_mask",
        "source_context",
        "struct",
        "timestamp",
        "type",
        "wrappers",
    ];
    let stem = name.strip_prefix("google/protobuf/").and_then(|name| name.strip_suffix(".proto"));
    stem.is_some_and(|stem| known.contains(&stem))
}

/// The text of a file that Jovian carries.
pub(super) fn carried(name: &str) -> Option<&'static str> {
    CARRIED.iter().find(|(carried, _)| *carried == name).map(|(_, text)| *text)
}

/// Whether Jovian or protobuf brings `name` along.
pub(crate) fn is_carried(name: &str) -> bool {
    is_well_known(name) || carried(name).is_some()
}

/// The descriptors of files that Jovian carries, and of all that they import.
///
/// # Errors
/// When one is not carried.
#[cfg(feature = "cli")]
pub(crate) fn carried_set(names: &[&str]) -> Result<prost_types::FileDescriptorSet, protox::Error> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Roots::new(Vec::new()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_files(names)?;
    Ok(compiler.file_descriptor_set())
}
