//! The embedded registry: a table in this process.
//!
//! In: registrations of this process. Out: their instances, to every watcher that shares the table.
//! Never: anything that outlives the process or crosses its border.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::{Instance, Instances, Lease, Registration, Registry, RegistryError, Wanted};

/// A registry in memory. Clones share one table.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry(Arc<Table>);

impl MemoryRegistry {
    /// A table of its own, which nothing else in the process sees; for tests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The one table of this process: the apps that run in it find each other here.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<MemoryRegistry> = LazyLock::new(MemoryRegistry::new);
        SHARED.clone()
    }
}

impl Registry for MemoryRegistry {
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        let lease = self.0.insert(instance);
        Box::pin(std::future::ready(Ok(Registration::new(lease))))
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.0.lock().apps.entry(wanted.app.clone()).or_default().watchers.subscribe()
    }
}

#[derive(Debug, Default)]
struct Table(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    apps: BTreeMap<String, App>,
    /// How many registrations there have been; numbers them.
    registered: u64,
}

/// One app: who serves it, and who follows that.
#[derive(Debug)]
struct App {
    /// By instance id, each with the number of its registration.
    instances: BTreeMap<String, (u64, Arc<Instance>)>,
    watchers: watch::Sender<Instances>,
}

impl Default for App {
    fn default() -> Self {
        Self { instances: BTreeMap::new(), watchers: watch::Sender::new(Instances::default()) }
    }
}

impl App {
    fn publish(&self) {
        self.watchers
            .send_replace(self.instances.values().map(|(_, instance)| Arc::clone(instance)).collect());
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        // No change to the rows can be left half done, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(self: &Arc<Self>, instance: Instance) -> MemoryLease {
        let mut rows = self.lock();
        rows.registered += 1;
        let number = rows.registered;
        let lease =
            MemoryLease { table: self.clone(), app: instance.app.clone(), id: instance.id.clone(), number };
        let app = rows.apps.entry(instance.app.clone()).or_default();
        app.instances.insert(instance.id.clone(), (number, Arc::new(instance)));
        app.publish();
        lease
    }

    /// Removes what the lease registered, unless a later registration of the same id has replaced it.
    fn remove(&self, lease: &MemoryLease) {
        let mut rows = self.lock();
        let Some(app) = rows.apps.get_mut(&lease.app) else { return };
        if app.instances.get(&lease.id).is_none_or(|(number, _)| *number != lease.number) {
            return;
        }
        app.instances.remove(&lease.id);
        app.publish();
        if app.instances.is_empty() && app.watchers.receiver_count() == 0 {
            rows.apps.remove(&lease.app);
        }
    }
}

/// Removes its record when it is dropped, which is all that there is to do.
struct MemoryLease {
    table: Arc<Table>,
    app: String,
    id: String,
    number: u64,
}

impl Lease for MemoryLease {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        drop(self);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.table.remove(self);
    }
}
