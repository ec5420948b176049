//! How things stand with the stores of this process: what is kept in them, and what is followed.
//!
//! In: what those who keep and follow report. Out: lines of log when something changes, gauges, and a list for people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::metrics;

/// How one instance, or one place that is followed, stands in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreState {
    /// The kind of the store: `etcd`.
    pub store: &'static str,
    /// The app that is registered, or the beginning of the keys that are followed.
    pub name: String,
    /// The id of the instance; empty for a place.
    pub id: String,
    /// Whether it is as it should be: everything is written and alive, or what is known of the place is what it holds.
    pub is_well: bool,
    /// Why it is not; empty if it is, or if nothing has failed yet.
    pub trouble: String,
    /// Keys of the instance that another process holds.
    pub taken: Vec<String>,
    /// Since when.
    pub since: SystemTime,
}

/// What is reported of an instance or a place, by whoever keeps or follows it. It is forgotten with its last clone.
#[derive(Clone, Debug)]
pub(super) struct Standing(Arc<Subject>);

#[derive(Debug)]
struct Subject {
    store: &'static str,
    is_place: bool,
    name: String,
    id: String,
    known: watch::Sender<Known>,
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) phase: Phase,
    taken: BTreeSet<String>,
    since: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is known yet.
    Trying,
    Well,
    Away(String),
    Refused(String),
}

static SUBJECTS: Mutex<Vec<Weak<Subject>>> = Mutex::new(Vec::new());
static TOLD: Once = Once::new();

/// How every instance that this process registers in a store stands, and every place that it follows there.
#[must_use]
pub fn stores() -> Vec<StoreState> {
    subjects().iter().map(|subject| subject.state()).collect()
}

fn subjects() -> Vec<Arc<Subject>> {
    lock().iter().filter_map(Weak::upgrade).collect()
}

fn lock() -> MutexGuard<'static, Vec<Weak<Subject>>> {
    SUBJECTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Standing {
    pub(super) fn of_instance(store: &'static str, app: &str, id: &str) -> Self {
        Self::new(store, false, app, id)
    }

    pub(super) fn of_place(store: &'static str, place: &str) -> Self {
        Self::new(store, true, place, "")
    }

    fn new(store: &'static str, is_place: bool, name: &str, id: &str) -> Self {
        TOLD.call_once(|| metrics::source(render));
        let known = Known { phase: Phase::Trying, taken: BTreeSet::new(), since: SystemTime::now() };
        let known = watch::Sender::new(known);
        let subject = Arc::new(Subject { store, is_place, name: name.to_owned(), id: id.to_owned(), known });
        let mut subjects = lock();
        subjects.retain(|subject| subject.strong_count() > 0);
        subjects.push(Arc::downgrade(&subject));
        Self(subject)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Known> {
        self.0.known.subscribe()
    }

    pub(super) fn is_well(&self) -> bool {
        self.0.state().is_well
    }

    /// It is as it should be.
    pub(super) fn held(&self) {
        let Subject { store, is_place, name, .. } = &*self.0;
        match (self.turn(Phase::Well), is_place) {
            (Some(Phase::Away(_) | Phase::Refused(_)), false) => {
                tracing::info!(store, app = name, "registered")
            }
            (Some(Phase::Away(_) | Phase::Refused(_)), true) => {
                tracing::info!(store, place = name, "follows the store again");
            }
            _ => {}
        }
    }

    /// It is not, and why. Said once until it is again.
    pub(super) fn trouble(&self, trouble: Phase) {
        let Subject { store, is_place, name, .. } = &*self.0;
        let (Phase::Away(why) | Phase::Refused(why)) = &trouble else { return };
        let why = why.clone();
        match (self.turn(trouble), is_place) {
            (Some(Phase::Trying | Phase::Well), false) => {
                tracing::warn!(store, app = name, why, "not registered; it goes on trying");
            }
            (Some(Phase::Trying | Phase::Well), true) => {
                tracing::warn!(store, place = name, why, "cannot follow the store: what is known stays");
            }
            _ => tracing::debug!(store, name, why, "still in trouble"),
        }
    }

    /// Whether another process holds a key of it.
    pub(super) fn taken(&self, key: &str, is_taken: bool) {
        let changed = self.0.known.send_if_modified(|known| match is_taken {
            true => known.taken.insert(key.to_owned()),
            false => known.taken.remove(key),
        });
        let Subject { store, name, .. } = &*self.0;
        match (changed, is_taken) {
            (false, _) => {}
            (true, true) => tracing::error!(
                store,
                app = name,
                key,
                "another process has written this key and keeps it alive: two have the same address. It is left to the \
                 other one until that goes"
            ),
            (true, false) => tracing::info!(store, app = name, key, "the key is its own again"),
        }
    }

    /// Comes to another phase; the one before, if it is another.
    fn turn(&self, next: Phase) -> Option<Phase> {
        let mut last = None;
        self.0.known.send_if_modified(|known| {
            let turned = known.phase != next;
            if turned {
                // A trouble that goes on with other words goes on.
                if std::mem::discriminant(&known.phase) != std::mem::discriminant(&next) {
                    known.since = SystemTime::now();
                }
                last = Some(std::mem::replace(&mut known.phase, next.clone()));
            }
            turned
        });
        last
    }
}

impl Subject {
    fn state(&self) -> StoreState {
        let Known { phase, taken, since } = self.known.borrow().clone();
        let is_well = phase == Phase::Well && taken.is_empty();
        let trouble = match phase {
            Phase::Trying | Phase::Well => String::new(),
            Phase::Away(why) | Phase::Refused(why) => why,
        };
        StoreState {
            store: self.store,
            name: self.name.clone(),
            id: self.id.clone(),
            is_well,
            trouble,
            taken: taken.into_iter().collect(),
            since,
        }
    }
}

/// The gauges. Places are counted, because their number has no bound.
fn render(page: &mut String) {
    let (mut places, mut registered) = (BTreeMap::<_, u32>::new(), Vec::new());
    for subject in subjects() {
        let state = subject.state();
        if subject.is_place {
            let is_current = if state.is_well { "current" } else { "stale" };
            *places.entry((state.store, is_current)).or_default() += 1;
        } else {
            registered.push(state);
        }
    }
    let values = registered.iter().map(|state| {
        let labels = [("store", state.store), ("app", &state.name), ("id", &state.id)];
        (labels, f64::from(u8::from(state.is_well)))
    });
    let help = "Whether the instances of this process stand in their registry.";
    metrics::write_values(page, "gauge", "registry_registered", help, values);
    let values = places
        .iter()
        .map(|((store, state), count)| ([("store", *store), ("state", *state)], f64::from(*count)));
    let help = "Places of registries that this process follows, by whether it knows what they hold now.";
    metrics::write_values(page, "gauge", "registry_places", help, values);
}
