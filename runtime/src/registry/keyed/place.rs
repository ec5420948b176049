//! Follows the places of a store, each one once, for all who want to know.
//!
//! In: changes, as a store tells them. Out: to each follower of a place first all of its records, then every change.
//! While the store is away, what is known stays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::lock;
use super::store::{Change, Record, Scope, Store};
use crate::registry::board::Standing;

/// The places of one store that anybody follows.
pub(super) struct Places<S> {
    store: Arc<S>,
    followed: Mutex<BTreeMap<String, Weak<Place>>>,
}

/// A place that is followed, for as long as anybody has this.
struct Place {
    name: Arc<str>,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// A change of a place, and the number of the layout for which it is followed.
pub(super) type Told = (usize, Arc<str>, Change);

/// A place that somebody follows, until this is dropped.
pub(super) struct Hold {
    place: Arc<Place>,
    layout: usize,
    follower: UnboundedSender<Told>,
}

#[derive(Default)]
struct State {
    /// What was last seen there; nothing before the store has answered.
    records: Option<BTreeMap<String, Record>>,
    followers: Vec<(usize, UnboundedSender<Told>)>,
}

impl<S: Store> Places<S> {
    pub(super) fn new(store: Arc<S>) -> Self {
        Self { store, followed: Mutex::default() }
    }

    /// Follows a place; `follower` is told of it, for this layout, as long as it is held.
    pub(super) fn follow(&self, name: &str, layout: usize, follower: UnboundedSender<Told>) -> Hold {
        let mut followed = lock(&self.followed);
        // A task that is finished lost its runtime.
        let known = followed.get(name).and_then(Weak::upgrade).filter(|place| !place.task.is_finished());
        let place = known.unwrap_or_else(|| {
            followed.retain(|_, place| place.strong_count() > 0);
            let place = Arc::new(Place::begin(Arc::clone(&self.store), name.into()));
            followed.insert(name.to_owned(), Arc::downgrade(&place));
            place
        });
        lock(&place.state).add(&place.name, layout, follower.clone());
        Hold { place, layout, follower }
    }
}

impl Place {
    fn begin<S: Store>(store: Arc<S>, name: Arc<str>) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let task = tokio::spawn(follow(store, Arc::clone(&name), Arc::clone(&state)));
        Self { name, state, task }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let is_this = |layout: usize, other: &UnboundedSender<Told>| {
            layout == self.layout && other.same_channel(&self.follower)
        };
        lock(&self.place.state).followers.retain(|(layout, follower)| !is_this(*layout, follower));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow<S: Store>(store: Arc<S>, name: Arc<str>, state: Arc<Mutex<State>>) {
    let standing = Standing::of_place(store.kind(), &name);
    let mut backoff = Backoff::default();
    let text = name.to_string();
    let scope = if name.ends_with('/') { Scope::Place(text) } else { Scope::Key(text) };
    loop {
        let begun = Instant::now();
        let mut tell = |change| {
            lock(&state).tell(&name, change);
            standing.held();
        };
        let trouble = store.follow(&scope, &mut tell).await;
        standing.trouble(trouble.phase());
        sleep(backoff.after(begun.elapsed())).await;
    }
}

impl State {
    fn add(&mut self, name: &Arc<str>, layout: usize, follower: UnboundedSender<Told>) {
        if let Some(records) = &self.records {
            // It holds the other end.
            let _ = follower.send((layout, Arc::clone(name), Change::All(records.clone())));
        }
        self.followers.push((layout, follower));
    }

    fn tell(&mut self, name: &Arc<str>, change: Change) {
        let send = |layout: usize, follower: &UnboundedSender<Told>| {
            follower.send((layout, Arc::clone(name), change.clone())).is_ok()
        };
        self.followers.retain(|(layout, follower)| send(*layout, follower));
        match change {
            Change::All(records) => self.records = Some(records),
            Change::Some(changed) => {
                let records = self.records.get_or_insert_default();
                for (key, record) in changed {
                    match record {
                        Some(record) => records.insert(key, record),
                        None => records.remove(&key),
                    };
                }
            }
        }
    }
}
