//! The output of legal IDL that nobody would write: no warning of rustc. The build script makes it, a module for each case.

#![deny(warnings, missing_docs, unused, rust_2018_idioms)]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));
