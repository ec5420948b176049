//! From the records of places to the instances of what is wanted.
//!
//! In: changes of all places where instances may stand, in every layout. Out: one list, in which the first layout counts
//! where two tell of the same address. A record that cannot be read is said once, and hides no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::time::sleep;

use super::lock;
use super::place::{Place, Places, Told};
use super::store::{Change, Record, Store};
use crate::registry::layout::Layout;
use crate::registry::{Instance, Instances, Wanted};

/// How long changes are gathered after some were told, so that many of them make one list.
const GATHER: Duration = Duration::from_millis(5);
/// How many unreadable records are remembered as said.
const MANY: usize = 10_000;

/// What all followers of a registry share.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) kind: &'static str,
    pub(super) layouts: Vec<Arc<dyn Layout>>,
    /// Whether a list that was not empty stays when nothing is left of it.
    pub(super) protects_empty: bool,
    /// Records that cannot be read and were said: the key, and its value then.
    said: Mutex<HashMap<String, Arc<str>>>,
}

impl Reading {
    pub(super) fn new(kind: &'static str, layouts: Vec<Arc<dyn Layout>>, protects_empty: bool) -> Self {
        Self { kind, layouts, protects_empty, said: Mutex::default() }
    }
}

/// Makes the list of what one client wants.
pub(super) struct Follower {
    reading: Arc<Reading>,
    wanted: Wanted,
    /// The places, each with the number of its layout.
    places: Vec<(usize, String)>,
    told: UnboundedReceiver<Told>,
    seen: BTreeMap<(usize, String), Seen>,
    /// Keeps the places followed.
    _held: Vec<Arc<Place>>,
}

/// A record as it was read.
struct Seen {
    value: Arc<str>,
    instance: Option<Instance>,
}

impl Follower {
    /// Begins to follow, inside of a tokio runtime.
    pub(super) fn begin<S: Store>(places: &Places<S>, reading: Arc<Reading>, wanted: Wanted) -> Self {
        let (tell, told) = unbounded_channel();
        let layouts = reading.layouts.iter().enumerate();
        let named: Vec<(usize, String)> = layouts
            .flat_map(|(number, layout)| layout.places(&wanted).into_iter().map(move |place| (number, place)))
            .collect();
        let follow =
            |(number, (_, place)): (usize, &(usize, String))| places.follow(place, number, tell.clone());
        let held = named.iter().enumerate().map(follow).collect();
        Self { reading, wanted, places: named, told, seen: BTreeMap::new(), _held: held }
    }

    /// Tells the list whenever it changes, for ever.
    pub(super) async fn run(mut self, list: &watch::Sender<Instances>) {
        while let Some(told) = self.told.recv().await {
            self.take(told);
            while let Ok(told) = self.told.try_recv() {
                self.take(told);
            }
            self.publish(list);
            sleep(GATHER).await;
        }
    }

    fn take(&mut self, (number, change): Told) {
        let Some((layout, place)) = self.places.get(number).cloned() else { return };
        match change {
            Change::All(records) => {
                self.seen.retain(|(of, key), _| {
                    *of != layout || !key.starts_with(&place) || records.contains_key(key)
                });
                records.into_iter().for_each(|(key, record)| self.see(layout, key, &record));
            }
            Change::Some(changed) => {
                for (key, record) in changed {
                    match record {
                        Some(record) => self.see(layout, key, &record),
                        None => drop(self.seen.remove(&(layout, key))),
                    }
                }
            }
        }
    }

    fn see(&mut self, number: usize, key: String, record: &Record) {
        let at = (number, key);
        if self.seen.get(&at).is_some_and(|seen| seen.value == record.value) {
            return;
        }
        let Some(layout) = self.reading.layouts.get(number) else { return };
        let instance = layout.read(&self.wanted, &at.1, &record.value).unwrap_or_else(|unreadable| {
            let mut said = lock(&self.reading.said);
            if said.len() == MANY {
                said.clear();
            }
            if said.insert(at.1.clone(), Arc::clone(&record.value)).as_ref() != Some(&record.value) {
                let (store, layout) = (self.reading.kind, layout.name());
                tracing::warn!(store, layout, %unreadable, "a record cannot be read and is left out");
            }
            None
        });
        self.seen.insert(at, Seen { value: Arc::clone(&record.value), instance });
    }

    fn publish(&self, list: &watch::Sender<Instances>) {
        let mut addresses = BTreeSet::new();
        // In the order of layouts, so that the first one is met first.
        let mut instances: Vec<&Instance> = self
            .seen
            .values()
            .filter_map(|seen| seen.instance.as_ref())
            .filter(|instance| addresses.insert(instance.address.as_str()))
            .collect();
        instances.sort_by(|one, other| one.id.cmp(&other.id));
        list.send_if_modified(|last| {
            if last.iter().eq(instances.iter().copied()) {
                return false;
            }
            if instances.is_empty() && self.reading.protects_empty {
                let (store, app, kept) = (self.reading.kind, &self.wanted.app, last.len());
                tracing::warn!(store, app, kept, "nobody is left: the last instances are kept");
                return false;
            }
            *last = instances.into_iter().cloned().collect();
            true
        });
    }
}
