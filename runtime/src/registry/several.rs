//! Several registries as one.
//!
//! In: registries. Out: a registry in which an instance is registered where all of them are asked, and whose lists hold
//! the instances of all. Never: one that is away keeping the others from anything.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::future::{join_all, select_all};
use tokio::sync::watch;

use super::lists::{List, Lists};
use super::union::one_of_each_address;
use super::{Instance, Instances, Lease, Registration, Registry, RegistryError, Wanted};

/// Several registries as one: a fleet that moves from one registry to another uses both.
///
/// An instance is registered in all of them. Lists are joined by address: an earlier registry counts where two tell of
/// the same one. A registry that is away keeps its part of a list.
#[derive(Clone)]
pub struct Registries {
    all: Arc<[Arc<dyn Registry>]>,
    lists: Lists,
}

impl Registries {
    /// These registries, the one that counts most first.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Arc<dyn Registry>>) -> Self {
        Self { all: all.into_iter().collect(), lists: Lists::default() }
    }
}

impl fmt::Debug for Registries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registries").field(&self.all).finish()
    }
}

impl Registry for Registries {
    /// Fails only when all of them refuse. A refusal of some is logged.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move {
            let asked = self.all.iter().map(|registry| registry.register(instance.clone()));
            let (mut held, mut refusals) = (Vec::new(), Vec::new());
            for (answer, registry) in join_all(asked).await.into_iter().zip(self.all.iter()) {
                match answer {
                    Ok(registration) => held.push(registration),
                    Err(error) => refusals.push((registry, error)),
                }
            }
            let is_whole = refusals.is_empty();
            if held.is_empty() && !is_whole {
                return Err(refusals.swap_remove(0).1);
            }
            for (registry, error) in refusals {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(app = instance.app, ?registry, error, "one of several registries refuses");
            }
            Ok(Registration::new(Leases { held, is_whole }))
        })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.lists.watch(wanted, |list| {
            let parts: Vec<_> = self.all.iter().map(|registry| registry.watch(wanted)).collect();
            list.send_replace(joined(&parts));
            follow(parts, list)
        })
    }
}

/// Joins the parts whenever one has changed, for ever.
async fn follow(mut parts: Vec<watch::Receiver<Instances>>, list: List) {
    loop {
        let changes = parts.iter_mut().map(|part| Box::pin(changed(part)));
        if changes.len() == 0 {
            return pending().await;
        }
        drop(select_all(changes).await);
        let joined = joined(&parts);
        list.send_if_modified(|last| {
            let is_other = *last != joined;
            *last = joined;
            is_other
        });
    }
}

/// Returns when there is something new. A registry that tells nothing more has told its last list.
async fn changed(part: &mut watch::Receiver<Instances>) {
    if part.changed().await.is_err() {
        pending().await
    }
}

/// The instances of all parts; of two with one address, that of the earlier part.
fn joined(parts: &[watch::Receiver<Instances>]) -> Instances {
    let parts: Vec<Instances> = parts.iter().map(|part| Arc::clone(&part.borrow())).collect();
    one_of_each_address(parts.iter().flat_map(|part| part.iter())).into_iter().cloned().collect()
}

/// What all registries hold of one instance.
struct Leases {
    held: Vec<Registration>,
    /// Nobody has refused it.
    is_whole: bool,
}

impl Lease for Leases {
    /// Leaves all of them, and tells the first trouble.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move {
            join_all(self.held.into_iter().map(Registration::deregister)).await.into_iter().collect()
        })
    }

    fn is_held(&self) -> bool {
        self.is_whole && self.held.iter().all(Registration::is_held)
    }
}
