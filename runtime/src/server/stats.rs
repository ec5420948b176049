//! How many calls run and how they ended.
//!
//! In: calls that begin and end. Out: counters. Every call that is entered is left exactly once, also when it is dropped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tonic::Code;

const CODES: usize = 17;

/// The counters of one server; clones share them.
#[derive(Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Default)]
struct Counters {
    in_flight: AtomicU64,
    upstream: AtomicU64,
    finished: [AtomicU64; CODES],
}

impl Stats {
    /// The calls whose handlers run now.
    pub fn in_flight(&self) -> u64 {
        self.0.in_flight.load(Relaxed)
    }

    /// The calls that ended with this code. A call that its caller dropped ended with `CANCELLED`.
    pub fn finished(&self, code: Code) -> u64 {
        self.0.finished.get(code as usize).map_or(0, |count| count.load(Relaxed))
    }

    /// The calls that ended.
    pub fn total(&self) -> u64 {
        self.0.finished.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// The calls that ended with the error of another service.
    pub fn upstream(&self) -> u64 {
        self.0.upstream.load(Relaxed)
    }

    /// Counts a call in, until the ticket is used or dropped.
    pub(super) fn enter(&self) -> Ticket {
        self.0.in_flight.fetch_add(1, Relaxed);
        Ticket { stats: self.clone(), left: false }
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("in_flight", &self.in_flight())
            .field("total", &self.total())
            .field("upstream", &self.upstream())
            .finish()
    }
}

/// A call that was counted in and will be counted out.
pub(super) struct Ticket {
    stats: Stats,
    left: bool,
}

impl Ticket {
    pub(super) fn leave(&mut self, code: Code, upstream: bool) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let Counters { in_flight, upstream: upstreams, finished } = &*self.stats.0;
        in_flight.fetch_sub(1, Relaxed);
        if let Some(count) = finished.get(code as usize) {
            count.fetch_add(1, Relaxed);
        }
        if upstream {
            upstreams.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.leave(Code::Cancelled, false);
    }
}
