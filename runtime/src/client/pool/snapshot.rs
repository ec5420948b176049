//! What is known of endpoints, for people and for metrics.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Duration;

use super::Pool;
use super::member::Member;
use crate::metrics;

/// One endpoint of one client of this process, at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EndpointState {
    /// What the client connects to: the id of an app, or an address: `shop.order.orders`, `http://10.1.0.7:9000`.
    pub target: String,
    /// Where the endpoint is: `http://10.1.0.7:9000`, or `http://orders:9000 (10.1.0.7:9000)` for one address of a name.
    pub address: String,
    /// The share of calls that it wants, compared with the others of the target.
    pub weight: u32,
    /// The share that it gets now: its weight, or less while it warms up.
    pub share: f64,
    /// Calls that were sent there and have not ended.
    pub in_flight: usize,
    /// How long unary calls take there, as the balancer sees it: a moving average that rises fast, falls slowly and is
    /// forgotten within seconds without calls. Zero when nothing is known.
    pub latency: Duration,
    /// Whether there is a connection that takes calls.
    pub connected: bool,
    /// Whether the last attempt to connect failed. Such an endpoint is passed over, if there are others, until it is
    /// reached again.
    pub down: bool,
    /// Whether its calls failed again and again. Such an endpoint gets no calls but one probe at a time.
    pub ejected: bool,
}

/// All pools of this process; those that are gone are forgotten when the next one is made.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// Says once for all pools that the metrics are to tell of them.
static TOLD: Once = Once::new();

pub(super) fn remember(pool: &Arc<Pool>) {
    TOLD.call_once(|| metrics::source(render));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    pools.retain(|pool| pool.strong_count() > 0);
    pools.push(Arc::downgrade(pool));
}

/// The endpoints of all clients of this process, as they are now.
///
/// Clients of several services may connect to one address; each has connections, and a line here, of its own.
#[must_use]
pub fn endpoints() -> Vec<EndpointState> {
    let pools: Vec<_> =
        POOLS.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    pools.iter().flat_map(|pool| pool.states()).collect()
}

/// How many endpoints each target has, by how they are.
fn render(page: &mut String) {
    let mut counts = BTreeMap::<(String, &str), u32>::new();
    for endpoint in endpoints() {
        let state = endpoint.state();
        *counts.entry((endpoint.target, state)).or_default() += 1;
    }
    let values = counts.iter().map(|((target, state), count)| {
        ([("target", target.as_str()), ("state", *state)], f64::from(*count))
    });
    let help = "Endpoints of the clients of this process, by how they are.";
    metrics::write_values(page, "gauge", "client_endpoints", help, values);
}

impl EndpointState {
    /// The most important thing about it, as a label.
    fn state(&self) -> &'static str {
        match self {
            Self { ejected: true, .. } => "ejected",
            Self { down: true, .. } => "down",
            Self { connected: true, .. } => "connected",
            _ => "idle",
        }
    }
}

impl Pool {
    fn states(&self) -> Vec<EndpointState> {
        let set = self.set();
        let at = set.at();
        let state = |member: &Member| {
            let endpoint = &member.endpoint;
            EndpointState {
                target: self.name.clone(),
                address: endpoint.dialer.address().to_string(),
                weight: member.weight,
                share: member.share,
                in_flight: endpoint.in_flight.load(Relaxed),
                latency: endpoint.latency.get(at),
                connected: endpoint.dialer.is_connected(),
                down: endpoint.dialer.is_down(),
                ejected: endpoint.health.is_ejected(),
            }
        };
        set.members().iter().map(state).collect()
    }
}
