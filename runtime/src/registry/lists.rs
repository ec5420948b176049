//! Lists that are made once, for all who want the same.
//!
//! In: what is wanted, and how a list of it is made. Out: receivers of it. A list is made for as long as anybody has one.
//! Never: what is in a list.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Instances, Wanted};

/// The lists that somebody follows. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists(Arc<Mutex<BTreeMap<Wanted, List>>>);

/// Where the newest version of a list goes.
pub(super) type List = Arc<watch::Sender<Instances>>;

impl Lists {
    /// The list of what is wanted. Where nobody follows it yet, `make` fills it in and gives what goes on making it.
    pub(super) fn watch<F>(&self, wanted: &Wanted, make: impl FnOnce(List) -> F) -> watch::Receiver<Instances>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut lists = self.lock();
        if let Some(list) = lists.get(wanted) {
            return list.subscribe();
        }
        let list = List::new(watch::Sender::new(Instances::default()));
        let making = make(Arc::clone(&list));
        lists.insert(wanted.clone(), Arc::clone(&list));
        let receiver = list.subscribe();
        let made = Made { lists: self.clone(), wanted: wanted.clone(), list };
        tokio::spawn(async move {
            tokio::select! {
                () = making => {}
                () = made.unwanted() => {}
            }
        });
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Wanted, List>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that is made until this is dropped, with the task that makes it or with the runtime of that.
struct Made {
    lists: Lists,
    wanted: Wanted,
    list: List,
}

impl Made {
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
        let mut lists = self.lists.lock();
        let is_this = lists.get(&self.wanted).is_some_and(|list| Arc::ptr_eq(list, &self.list));
        let removed = is_this && condition(&self.list);
        if removed {
            lists.remove(&self.wanted);
        }
        removed
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.remove_if(|_| true);
    }
}
