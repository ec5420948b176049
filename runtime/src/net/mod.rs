//! Connections, of either side.
//!
//! In: sockets, futures of HTTP/2 connections. Out: the same, as servers and clients want them. Never: calls.

mod batched;
mod load;
#[cfg(test)]
mod tests;

/// What a batched connection synchronises with; its test against lost wakes brings its own.
mod sync {
    pub(super) use std::sync::atomic::AtomicU8;
    pub(super) use std::sync::{Mutex, MutexGuard};
}

pub(crate) use batched::Batched;
pub(crate) use load::{Carried, Load};
