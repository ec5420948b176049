//! Connections, of either side.
//!
//! In: addresses, settings, futures of HTTP/2 connections. Out: byte streams and who is at their other end. Never:
//! calls.

mod address;
mod authority;
mod batched;
mod listener;
mod load;
mod outgoing;
mod preface;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(unix)]
mod unix;

/// What a batched connection synchronises with; its test against lost wakes brings its own.
mod sync {
    pub(super) use std::sync::atomic::AtomicU8;
    pub(super) use std::sync::{Mutex, MutexGuard};
}

pub use address::{Address, Peer};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use authority::fuzzing;
pub(crate) use batched::Batched;
pub use listener::Listener;
pub(crate) use load::{Carried, Load};
pub use outgoing::ClientConnectionSection;
pub(crate) use preface::{Greeted, greeted};
pub use settings::{ClientTlsSection, ConnectionSection, SettingError, TlsError, TlsSection};
pub(crate) use stream::{Plain, Stream};
pub(crate) use tls::{Acceptor, Connector};
