//! The metrics of calls: how many ended with which code, and how long they took.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

use tonic::Code;

use super::histogram::{BOUNDS, Histogram};
use super::{Kept, Labels};
use crate::codes;

/// A counter for each gRPC code.
const CODES: usize = codes::COUNT;

/// How many peers of one method have a line of their own; those who come later share one.
const PEERS: usize = 100;

/// The name of those who share a line.
const OTHERS: &str = "other";

/// From which end a call is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Side {
    /// `server` or `client`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What is counted of the calls of one method with one peer.
#[derive(Default)]
pub(crate) struct CallMetrics {
    ended: [AtomicU64; CODES],
    seconds: Histogram,
}

impl CallMetrics {
    /// Counts one call that ended.
    pub(crate) fn ended(&self, code: Code, took: Duration) {
        if let Some(count) = self.ended.get(code as usize) {
            count.fetch_add(1, Relaxed);
        }
        self.seconds.observe(took);
    }
}

/// The calls of one method on one side, by peer: on a server the name of the caller, on a client the address or the app.
pub(crate) struct Family {
    side: Side,
    /// `unary` or `stream`.
    kind: &'static str,
    /// The path.
    method: &'static str,
    /// On a client the app of the service that is called.
    name: &'static str,
    panics: AtomicU64,
    nobody: Arc<CallMetrics>,
    peers: RwLock<HashMap<Box<str>, Arc<CallMetrics>>>,
}

/// By side, path and name: two servers of one process count together.
static FAMILIES: LazyLock<Kept<(Side, &'static str, &'static str), Family>> = LazyLock::new(Kept::default);

impl Family {
    /// The calls of `method` (its path) seen from `side`.
    pub(crate) fn of(side: Side, kind: &'static str, method: &'static str, name: &'static str) -> Arc<Self> {
        let mut families = FAMILIES.lock().unwrap_or_else(PoisonError::into_inner);
        let family = || Self {
            side,
            kind,
            method,
            name,
            panics: AtomicU64::new(0),
            nobody: Arc::default(),
            peers: RwLock::default(),
        };
        Arc::clone(families.entry((side, method, name)).or_insert_with(|| Arc::new(family())))
    }

    /// Counts a panic of the handler.
    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// Those of the calls with one peer; an empty name is that of nobody.
    pub(crate) fn peer(&self, name: &str) -> Arc<CallMetrics> {
        if name.is_empty() {
            return Arc::clone(&self.nobody);
        }
        if let Some(known) = self.peers.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let name = if peers.len() < PEERS || peers.contains_key(name) { name } else { OTHERS };
        Arc::clone(peers.entry(name.into()).or_default())
    }

    fn rows(&self) -> Vec<(Box<str>, Arc<CallMetrics>)> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let peers = peers.iter().map(|(name, metrics)| (name.clone(), Arc::clone(metrics)));
        let mut rows: Vec<_> =
            [(Box::default(), Arc::clone(&self.nobody))].into_iter().chain(peers).collect();
        rows.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        rows
    }

    fn labels<'a>(&'a self, peer: &'a str) -> Vec<(&'static str, &'a str)> {
        match self.side {
            Side::Server => vec![("type", self.kind), ("method", self.method), ("client", peer)],
            Side::Client => {
                vec![("type", self.kind), ("name", self.name), ("method", self.method), ("server", peer)]
            }
        }
    }
}

/// Appends the metrics of all calls.
pub(super) fn render(page: &mut String) {
    let families: Vec<Arc<Family>> =
        FAMILIES.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    for side in [Side::Server, Side::Client] {
        let word = side.name();
        let of_side = || families.iter().filter(|family| family.side == side);
        let _ = writeln!(page, "# HELP {word}_handle_total Calls that ended, by code.");
        let _ = writeln!(page, "# TYPE {word}_handle_total counter");
        of_side().for_each(|family| totals(family, word, page));
        let _ = writeln!(page, "# HELP {word}_handle_seconds How long calls took.");
        let _ = writeln!(page, "# TYPE {word}_handle_seconds histogram");
        of_side().for_each(|family| seconds(family, word, page));
    }
    let _ = writeln!(page, "# HELP server_panics_total Calls whose handlers panicked.");
    let _ = writeln!(page, "# TYPE server_panics_total counter");
    for family in families.iter().filter(|family| family.panics.load(Relaxed) > 0) {
        let labels = [("method", family.method)];
        let _ = writeln!(page, "server_panics_total{} {}", Labels(&labels), family.panics.load(Relaxed));
    }
}

fn totals(family: &Family, word: &str, page: &mut String) {
    for (peer, metrics) in family.rows() {
        for (number, count) in (0..).zip(&metrics.ended) {
            let count = count.load(Relaxed);
            if count > 0 {
                let mut labels = family.labels(&peer);
                labels.push(("code", codes::name(Code::from_i32(number))));
                let _ = writeln!(page, "{word}_handle_total{} {count}", Labels(&labels));
            }
        }
    }
}

fn seconds(family: &Family, word: &str, page: &mut String) {
    for (peer, metrics) in family.rows() {
        let (below, all) = metrics.seconds.cumulative();
        if all == 0 {
            continue;
        }
        let labels = family.labels(&peer);
        let mut bucket = |bound: &str, count: u64| {
            let mut labels = labels.clone();
            labels.push(("le", bound));
            let _ = writeln!(page, "{word}_handle_seconds_bucket{} {count}", Labels(&labels));
        };
        BOUNDS.iter().zip(below).for_each(|(bound, count)| bucket(&bound.to_string(), count));
        bucket("+Inf", all);
        let labels = Labels(&labels);
        let _ = writeln!(page, "{word}_handle_seconds_sum{labels} {}", metrics.seconds.seconds());
        let _ = writeln!(page, "{word}_handle_seconds_count{labels} {all}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_peer_and_code() {
        let family = Family::of(Side::Server, "unary", "/metrics.Test/Count", "");
        family.peer("").ended(Code::Ok, Duration::from_millis(1));
        family.peer("shop.web").ended(Code::NotFound, Duration::from_millis(20));
        assert!(Arc::ptr_eq(&family, &Family::of(Side::Server, "unary", "/metrics.Test/Count", "")));
        let mut page = String::new();
        render(&mut page);
        for line in [
            r#"server_handle_total{type="unary",method="/metrics.Test/Count",client="",code="OK"} 1"#,
            r#"server_handle_total{type="unary",method="/metrics.Test/Count",client="shop.web",code="NOT_FOUND"} 1"#,
            r#"server_handle_seconds_bucket{type="unary",method="/metrics.Test/Count",client="shop.web",le="0.025"} 1"#,
            r#"server_handle_seconds_bucket{type="unary",method="/metrics.Test/Count",client="shop.web",le="0.01"} 0"#,
            r#"server_handle_seconds_bucket{type="unary",method="/metrics.Test/Count",client="shop.web",le="+Inf"} 1"#,
            r#"server_handle_seconds_sum{type="unary",method="/metrics.Test/Count",client=""} 0.001"#,
            r#"server_handle_seconds_count{type="unary",method="/metrics.Test/Count",client=""} 1"#,
        ] {
            assert!(page.contains(&format!("\n{line}\n")), "{line}\n{page}");
        }
    }

    #[test]
    fn peers_are_bounded() {
        let family = Family::of(Side::Client, "stream", "/metrics.Test/Bounded", "app");
        (0..2 * PEERS).for_each(|n| family.peer(&format!("peer{n}")).ended(Code::Ok, Duration::ZERO));
        assert_eq!(family.peers.read().unwrap().len(), PEERS + 1);
        assert_eq!(family.peer("peer7").ended[0].load(Relaxed), 1);
        assert_eq!(family.peer(OTHERS).ended[0].load(Relaxed), PEERS as u64);
    }
}
