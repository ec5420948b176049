//! Registries in stores of keys and values.
//!
//! In: a store, and the layouts that are written and read there. Out: a registry: instances that stay registered
//! whatever happens to the store, and lists that stay known. Never: what a key or a value looks like, how a store is spoken to.

use std::collections::BTreeMap;
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
use super::{Instance, Instances, Lease, Registration, RegistryError, Wanted};

/// How long registering waits for the first word of the store, be it good or bad.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// A registry in a store.
pub(super) struct Keyed<S> {
    store: Arc<S>,
    reading: Arc<Reading>,
    places: Places<S>,
    lists: Lists,
}

/// The lists that somebody follows.
type Lists = Arc<Mutex<BTreeMap<Wanted, Arc<watch::Sender<Instances>>>>>;

impl<S: Store> Keyed<S> {
    pub(super) fn new(store: S, layouts: Vec<Arc<dyn Layout>>, protects_empty: bool) -> Self {
        let store = Arc::new(store);
        let reading = Arc::new(Reading::new(store.kind(), layouts, protects_empty));
        Self { places: Places::new(Arc::clone(&store)), reading, store, lists: Lists::default() }
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
        let mut lists = lock(&self.lists);
        if let Some(list) = lists.get(wanted) {
            return list.subscribe();
        }
        let (list, receiver) = watch::channel(Instances::default());
        let list = Arc::new(list);
        lists.insert(wanted.clone(), Arc::clone(&list));
        let follower = Follower::begin(&self.places, Arc::clone(&self.reading), wanted.clone());
        let listed = Listed { lists: Arc::clone(&self.lists), wanted: wanted.clone(), list };
        tokio::spawn(async move {
            tokio::select! {
                () = follower.run(&listed.list) => {}
                () = listed.unwanted() => {}
            }
        });
        receiver
    }
}

/// A list that is followed until this is dropped, with the task that makes it or with the runtime of that.
struct Listed {
    lists: Lists,
    wanted: Wanted,
    list: Arc<watch::Sender<Instances>>,
}

impl Listed {
    /// Waits until nobody wants it any more, and takes it out before somebody can again.
    async fn unwanted(&self) {
        loop {
            self.list.closed().await;
            if self.remove_if(|list| list.receiver_count() == 0) {
                return;
            }
        }
    }

    fn remove_if(&self, condition: impl Fn(&watch::Sender<Instances>) -> bool) -> bool {
        let mut lists = lock(&self.lists);
        let is_this = lists.get(&self.wanted).is_some_and(|list| Arc::ptr_eq(list, &self.list));
        let removed = is_this && condition(&self.list);
        if removed {
            lists.remove(&self.wanted);
        }
        removed
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.remove_if(|_| true);
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
