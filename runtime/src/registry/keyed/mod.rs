//! Registries in stores of keys and values.
//!
//! In: a store, and the layouts that are written and read there. Out: a registry: instances that stay registered
//! whatever happens to the store, and lists that stay known. Never: what a key or a value looks like, how a store is spoken to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

mod backoff;
mod follower;
mod keeper;
mod place;
pub(super) mod store;

use follower::{Follower, Reading};
use keeper::{Answer, Keeper};
use place::Places;
use store::Store;

use super::board::{Phase, Standing};
use super::layout::Layout;
use super::lists::Lists;
use super::{Instance, Instances, Lease, Registration, RegistryError, Wanted};

/// How long registering waits for the first word of the store, be it good or bad.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// A registry in a store.
pub(super) struct Keyed<S> {
    store: Arc<S>,
    reading: Arc<Reading>,
    places: Arc<Places<S>>,
    lists: Lists,
}

impl<S: Store> Keyed<S> {
    pub(super) fn new(store: S, layouts: Vec<Arc<dyn Layout>>, protects_empty: bool) -> Self {
        let store = Arc::new(store);
        let reading = Arc::new(Reading::new(store.kind(), layouts, protects_empty));
        Self { places: Arc::new(Places::new(Arc::clone(&store))), reading, store, lists: Lists::default() }
    }

    /// Registers in all layouts. Returns with the first word of the store, and goes on behind.
    pub(super) async fn register(&self, instance: &Instance) -> Result<Registration, RegistryError> {
        let entries: Vec<_> = self.reading.layouts.iter().flat_map(|layout| layout.write(instance)).collect();
        let standing = Standing::of_instance(self.store.kind(), &instance.app, &instance.id);
        let mut known = standing.watch();
        let (stop, told) = oneshot::channel();
        tokio::spawn(Keeper::new(Arc::clone(&self.store), entries, standing.clone()).run(told));
        // No word within the time is bad word enough.
        let _ = timeout(FIRST_WORD, known.wait_for(|known| known.phase != Phase::Trying)).await;
        let phase = known.borrow().phase.clone();
        match phase {
            Phase::Refused(why) => Err(RegistryError::new(format!("{} refuses: {why}", self.store.kind()))),
            _ => Ok(Registration::new(KeyedLease { stop, standing })),
        }
    }

    /// Follows what is wanted; those who want the same share a list.
    pub(super) fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.lists.watch(wanted, |list| {
            let follower =
                Follower::begin(Arc::clone(&self.places), Arc::clone(&self.reading), wanted.clone());
            async move { follower.run(&list).await }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a registration, also when it is dropped: whoever keeps the entries then has nobody to answer to.
struct KeyedLease {
    stop: oneshot::Sender<Answer>,
    standing: Standing,
}

impl Lease for KeyedLease {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || RegistryError::new("the runtime that kept the records is gone");
            self.stop.send(answer).map_err(|_| gone())?;
            let left = answered.await.map_err(|_| gone())?;
            left.map_err(|trouble| RegistryError::new(trouble.to_string()))
        })
    }

    fn is_held(&self) -> bool {
        self.standing.is_well()
    }
}
