//! The registry of a process that wants none.
//!
//! In: instances, which it forgets. Out: an empty list for every app, which never changes.

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::{Instance, Instances, Lease, Registration, Registry, RegistryError, Wanted};

/// Registers nothing and finds nobody: `kind = "none"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRegistry;

impl Registry for NoRegistry {
    fn register(&self, _: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(std::future::ready(Ok(Registration::new(Nothing))))
    }

    fn watch(&self, _: &Wanted) -> watch::Receiver<Instances> {
        watch::channel(Instances::default()).1
    }
}

/// The lease of nothing.
struct Nothing;

impl Lease for Nothing {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
