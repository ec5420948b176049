//! The instances of an app that is found by a registry.
//!
//! In: the list that a registry keeps. Out: for each call one instance, chosen at random by weight, twice, and the less
//! busy of the two. An app without instances is waited for, briefly. There is no task: the list is read when a call begins.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;

use super::target;
use crate::call::now;
use crate::registry::{Instance, Instances};

/// How long a call waits for an app that has no instances.
const WAIT: Duration = Duration::from_secs(2);

/// How long an instance that could not be reached is passed over, if there are others.
const REST: Duration = Duration::from_secs(1);

/// The instances of one app, each with its connection.
pub(super) struct Endpoints {
    app: String,
    instances: watch::Receiver<Instances>,
    known: Mutex<Known>,
    picks: AtomicU64,
}

/// The connections that belong to a list.
#[derive(Default)]
struct Known {
    list: Option<Instances>,
    endpoints: Arc<[Arc<Endpoint>]>,
}

struct Endpoint {
    address: String,
    weight: u32,
    channel: Channel,
    busy: Arc<AtomicUsize>,
    /// When it could not be reached.
    failed: Arc<Mutex<Option<Instant>>>,
}

/// An instance that carries a call, until this is dropped.
pub(super) struct Picked(Arc<Endpoint>);

impl Picked {
    pub(super) fn channel(&self) -> Channel {
        self.0.channel.clone()
    }

    /// Says that it could not be reached.
    pub(super) fn failed(&self) {
        *self.0.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now());
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Relaxed);
    }
}

impl Endpoints {
    pub(super) fn new(app: &str, instances: watch::Receiver<Instances>) -> Self {
        Self { app: app.to_owned(), instances, known: Mutex::default(), picks: AtomicU64::new(0) }
    }

    /// Chooses an instance, waiting for one if need be.
    pub(super) async fn pick(&self, left: Option<Duration>) -> Result<Picked, Status> {
        let endpoints = self.usable();
        if !endpoints.is_empty() {
            return self.choose(&endpoints);
        }
        // The caller's own time is left a little of, so that it is told what was missing and not only that it was late.
        let wait = left.map_or(WAIT, |left| WAIT.min(left - left / 10));
        let mut instances = self.instances.clone();
        // Either end of the waiting is looked at in the same way.
        let _ = timeout(wait, instances.wait_for(|list| list.iter().any(wants_calls))).await;
        self.choose(&self.usable())
    }

    /// The endpoints of the list as it is now.
    fn usable(&self) -> Arc<[Arc<Endpoint>]> {
        let list = Arc::clone(&self.instances.borrow());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.list.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &list)) {
            known.endpoints = connect(&list, &known.endpoints);
            known.list = Some(list);
        }
        Arc::clone(&known.endpoints)
    }

    fn choose(&self, endpoints: &[Arc<Endpoint>]) -> Result<Picked, Status> {
        let rested: Vec<&Arc<Endpoint>> = endpoints.iter().filter(|endpoint| endpoint.is_rested()).collect();
        let candidates = if rested.is_empty() { endpoints.iter().collect() } else { rested };
        let total = candidates.iter().map(|endpoint| u64::from(endpoint.weight)).sum();
        let one = self.draw(&candidates, total);
        let other = self.draw(&candidates, total);
        let busy = |endpoint: &&Arc<Endpoint>| endpoint.busy.load(Relaxed);
        let Some(chosen) = one.into_iter().chain(other).min_by_key(busy) else {
            return Err(Status::unavailable(format!("the registry has no instance of `{}`", self.app)));
        };
        chosen.busy.fetch_add(1, Relaxed);
        Ok(Picked(Arc::clone(chosen)))
    }

    fn draw<'a>(&self, candidates: &[&'a Arc<Endpoint>], total: u64) -> Option<&'a Arc<Endpoint>> {
        let mut place = scatter(self.picks.fetch_add(1, Relaxed)).checked_rem(total)?;
        candidates.iter().copied().find(|endpoint| match place.checked_sub(u64::from(endpoint.weight)) {
            Some(further) => {
                place = further;
                false
            }
            None => true,
        })
    }
}

impl Endpoint {
    fn is_rested(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_none_or(|failed| now().saturating_duration_since(failed) >= REST)
    }
}

fn wants_calls(instance: &Instance) -> bool {
    instance.weight > 0
}

/// Endpoints for a new list; those that stay keep their connection and what is known of them.
fn connect(list: &[Instance], last: &[Arc<Endpoint>]) -> Arc<[Arc<Endpoint>]> {
    let last: HashMap<&str, &Arc<Endpoint>> =
        last.iter().map(|endpoint| (endpoint.address.as_str(), endpoint)).collect();
    let endpoint = |instance: &Instance| {
        let (address, weight) = (instance.address.clone(), instance.weight);
        if let Some(known) = last.get(instance.address.as_str()) {
            let (channel, busy) = (known.channel.clone(), Arc::clone(&known.busy));
            return Some(Arc::new(Endpoint {
                address,
                weight,
                channel,
                busy,
                failed: Arc::clone(&known.failed),
            }));
        }
        match target::channel(&address) {
            Ok(channel) => Some(Arc::new(Endpoint {
                address,
                weight,
                channel,
                busy: Arc::default(),
                failed: Arc::default(),
            })),
            // One bad record hides no other.
            Err(error) => {
                tracing::warn!(app = instance.app, %error, "an instance has no usable address");
                None
            }
        }
    };
    list.iter().filter(|instance| wants_calls(instance)).filter_map(endpoint).collect()
}

/// Spreads counters over all numbers (splitmix64); the choice needs no more chance than that.
fn scatter(counter: u64) -> u64 {
    let mut mixed = counter.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("app", &self.app).finish_non_exhaustive()
    }
}
