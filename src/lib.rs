//! Jovian turns service definitions into typed Rust servers and clients.
//!
//! ```text
//!              load            check + plan          messages + emit          compare          apply
//!  .proto ──┐
//!  .fds   ──┼─►  Model  ───────────────────►  Plan  ───────────►  Files  ──────────►  Changes  ─────►  disk
//!  request ─┘   (IDL words)                 (Rust words)            │                     └─► --check
//!                                                                   └────► CodeGeneratorResponse
//! ```
//!
//! Three doors lead to the one function [`generate`]: the command line, the protoc plugin and, for build scripts,
//! [`Builder`]. The modules below stand in the order of their dependencies: a module uses only those above it.

pub mod diag;
pub mod files;
pub mod settings;
pub mod model;
mod parallel;
mod names;
mod docs;
mod idl;
mod check;
mod plan;
mod messages;
mod emit;
mod reuse;
mod generate;
mod cache;
#[cfg(feature = "cli")]
mod scaffold;
mod build_script;
pub mod plugin;
#[cfg(feature = "cli")]
pub mod cli;

pub use build_script::Builder;
pub use generate::{Output, generate};
pub use idl::Input;
