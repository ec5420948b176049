//! From the records of places to the instances of what is wanted.
//!
//! In: changes of all places where instances may stand, in every layout. Out: one list, in which the first layout counts
//! where two tell of the same address. A record that cannot be read is said once, and hides no other.
//!
//! Records may lead to further places: these are followed as long as a record leads there, and whoever leads there is read
//! when it is known what they hold.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::sleep;

use super::lock;
use super::place::{Hold, Places, Told};
use super::store::{Change, Record, Store};
use crate::registry::layout::{Layout, Unreadable};
use crate::registry::union::one_of_each_address;
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

    fn say(&self, layout: &dyn Layout, unreadable: &Unreadable, value: &Arc<str>) {
        let mut said = lock(&self.said);
        if said.len() == MANY {
            said.clear();
        }
        if said.insert(unreadable.key.clone(), Arc::clone(value)).as_ref() != Some(value) {
            let (store, layout) = (self.kind, layout.name());
            tracing::warn!(store, layout, %unreadable, "a record cannot be read and is left out");
        }
    }
}

/// A place or a key, with the number of its layout.
type At = (usize, String);

/// Makes the list of what one client wants.
pub(super) struct Follower<S: Store> {
    places: Arc<Places<S>>,
    reading: Arc<Reading>,
    wanted: Wanted,
    /// The places that are wanted whatever stands there.
    roots: Vec<At>,
    followed: BTreeMap<At, Followed>,
    tell: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    seen: BTreeMap<At, Seen>,
}

/// A place that is followed.
struct Followed {
    /// It is known what it holds, or held last.
    is_told: bool,
    _hold: Hold,
}

/// A record.
struct Seen {
    value: Arc<str>,
    /// The places that it leads to.
    leads: Vec<String>,
    /// What it stood for when it was read last.
    instance: Option<Arc<Instance>>,
    /// It was read as it is now.
    is_read: bool,
    /// The keys whose values were looked at for that.
    asked: Vec<String>,
}

impl<S: Store> Follower<S> {
    /// Begins to follow, inside of a tokio runtime.
    pub(super) fn begin(places: Arc<Places<S>>, reading: Arc<Reading>, wanted: Wanted) -> Self {
        let (tell, told) = unbounded_channel();
        let layouts = reading.layouts.iter().enumerate();
        let roots: Vec<At> = layouts
            .flat_map(|(number, layout)| layout.places(&wanted).into_iter().map(move |place| (number, place)))
            .collect();
        let (followed, seen) = (BTreeMap::new(), BTreeMap::new());
        let mut follower = Self { places, reading, wanted, roots, followed, tell, told, seen };
        follower.go_where_it_leads();
        follower
    }

    /// Tells the list whenever it changes, for ever.
    pub(super) async fn run(mut self, list: &watch::Sender<Instances>) {
        while let Some(told) = self.told.recv().await {
            let mut changed = BTreeSet::new();
            self.take(told, &mut changed);
            while let Ok(told) = self.told.try_recv() {
                self.take(told, &mut changed);
            }
            changed.extend(self.go_where_it_leads());
            self.read(&changed);
            self.publish(list);
            sleep(GATHER).await;
        }
    }

    fn take(&mut self, (layout, place, change): Told, changed: &mut BTreeSet<At>) {
        let Some(followed) = self.followed.get_mut(&(layout, place.to_string())) else { return };
        match change {
            Change::All(records) => {
                followed.is_told = true;
                changed.extend(self.forget(layout, &place, &records));
                for (key, record) in records {
                    self.see((layout, key), &record, changed);
                }
            }
            Change::Some(records) => {
                for (key, record) in records {
                    let at = (layout, key);
                    match record {
                        Some(record) => self.see(at, &record, changed),
                        None if self.seen.remove(&at).is_some() => drop(changed.insert(at)),
                        None => {}
                    }
                }
            }
        }
    }

    /// Forgets the records of a place, but for those that stay; the others.
    fn forget(&mut self, layout: usize, place: &str, stay: &BTreeMap<String, Record>) -> Vec<At> {
        let is_there = |key: &str| if place.ends_with('/') { key.starts_with(place) } else { key == place };
        let goes = |at: &At| at.0 == layout && is_there(&at.1) && !stay.contains_key(&at.1);
        let gone: Vec<At> = self.seen.keys().filter(|at| goes(at)).cloned().collect();
        gone.iter().for_each(|at| drop(self.seen.remove(at)));
        gone
    }

    fn see(&mut self, at: At, record: &Record, changed: &mut BTreeSet<At>) {
        let known = self.seen.get_mut(&at);
        if known.as_ref().is_some_and(|known| known.value == record.value) {
            return;
        }
        let Some(layout) = self.reading.layouts.get(at.0) else { return };
        let leads = layout.leads_to(&self.wanted, &at.1, &record.value);
        let value = Arc::clone(&record.value);
        changed.insert(at.clone());
        match known {
            // What it stood for counts until it is known what it stands for now.
            Some(known) => (known.value, known.leads, known.is_read) = (value, leads, false),
            None => {
                let seen = Seen { value, leads, instance: None, is_read: false, asked: Vec::new() };
                self.seen.insert(at, seen);
            }
        }
    }

    /// Follows all places that records lead to, and no others; the records that are forgotten with these.
    fn go_where_it_leads(&mut self) -> Vec<At> {
        let mut forgotten = Vec::new();
        loop {
            let leads =
                self.seen.iter().flat_map(|((layout, _), seen)| seen.leads.iter().map(|to| (*layout, to)));
            let roots = self.roots.iter().map(|(layout, place)| (*layout, place));
            let wanted: BTreeSet<(usize, &String)> = roots.chain(leads).collect();
            let is_new = |(layout, place): &(usize, &String)| {
                !self.followed.contains_key(&(*layout, (*place).clone()))
            };
            let new: Vec<At> =
                wanted.iter().filter(|at| is_new(at)).map(|(layout, at)| (*layout, (*at).clone())).collect();
            let unwanted: Vec<At> = self
                .followed
                .keys()
                .filter(|(layout, place)| !wanted.contains(&(*layout, place)))
                .cloned()
                .collect();
            for (layout, place) in new {
                let hold = self.places.follow(&place, layout, self.tell.clone());
                self.followed.insert((layout, place), Followed { is_told: false, _hold: hold });
            }
            if unwanted.is_empty() {
                return forgotten;
            }
            for at in unwanted {
                self.followed.remove(&at);
                forgotten.extend(self.forget(at.0, &at.1, &BTreeMap::new()));
            }
        }
    }

    /// Reads what is new, and what was read with the help of something that has changed, as soon as it is known what stands
    /// where it leads to.
    fn read(&mut self, changed: &BTreeSet<At>) {
        let mut ready = Vec::new();
        for (at, seen) in &mut self.seen {
            seen.is_read &= !seen.asked.iter().any(|asked| changed.contains(&(at.0, asked.clone())));
            let is_told = |place: &String| {
                self.followed.get(&(at.0, place.clone())).is_some_and(|followed| followed.is_told)
            };
            if !seen.is_read && seen.leads.iter().all(is_told) {
                ready.push(at.clone());
            }
        }
        for at in ready {
            let (instance, asked) = self.read_one(&at);
            if let Some(seen) = self.seen.get_mut(&at) {
                (seen.instance, seen.asked, seen.is_read) = (instance, asked, true);
            }
        }
    }

    /// What a record stands for, and the keys that were looked at beside it.
    fn read_one(&self, at: &At) -> (Option<Arc<Instance>>, Vec<String>) {
        let asked = RefCell::new(Vec::new());
        let value = |key: &str| self.seen.get(&(at.0, key.to_owned())).map(|seen| &seen.value);
        let others = |key: &str| {
            asked.borrow_mut().push(key.to_owned());
            value(key).map(|value| &**value)
        };
        let (Some(layout), Some(own)) = (self.reading.layouts.get(at.0), value(&at.1)) else {
            return (None, Vec::new());
        };
        let read = layout.read_among(&self.wanted, &at.1, own, &others);
        let instance = read.unwrap_or_else(|unreadable| {
            self.reading.say(&**layout, &unreadable, value(&unreadable.key).unwrap_or(own));
            None
        });
        (instance.map(Arc::new), asked.into_inner())
    }

    fn publish(&self, list: &watch::Sender<Instances>) {
        // In the order of layouts, so that the first one is met first.
        let instances = one_of_each_address(self.seen.values().filter_map(|seen| seen.instance.as_ref()));
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
