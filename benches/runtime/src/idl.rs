//! One service, generated twice from `proto/`.

/// By Jovian.
#[rustfmt::skip]
#[allow(dead_code, reason = "not all of it is used here")]
mod jovian {
    include!(concat!(env!("OUT_DIR"), "/jovian/mod.rs"));
}

/// By tonic-prost-build.
#[rustfmt::skip]
#[allow(dead_code, clippy::all, reason = "it is what it is, and not all of it is used here")]
mod tonic {
    include!(concat!(env!("OUT_DIR"), "/tonic/mod.rs"));
}

pub(crate) use self::jovian::jovian::bench::v1 as ours;
pub(crate) use self::tonic::jovian::bench::v1 as tonics;
