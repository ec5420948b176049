//! The output of every case, as a user compiles it: no warning of rustc, clippy or rustdoc, and no dependency but the runtime.

#![deny(warnings, missing_docs, unused, rust_2018_idioms, clippy::all, rustdoc::all)]
#![allow(rustdoc::missing_crate_level_docs, reason = "the cases are modules")]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));
