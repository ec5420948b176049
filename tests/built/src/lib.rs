//! A crate whose build script generates all cases.

/// Where the build script has written them.
pub const OUT_DIR: &str = env!("OUT_DIR");
