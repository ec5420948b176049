//! How many calls run and how they ended.
//!
//! In: calls that begin and end. Out: counters of one server, for those who run it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tonic::Code;

use crate::codes;

/// The counters of one server; clones share them.
#[derive(Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Default)]
struct Counters {
    in_flight: AtomicU64,
    upstream: AtomicU64,
    panics: AtomicU64,
    finished: [AtomicU64; codes::COUNT],
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

    /// The calls that ended because their handlers panicked.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Relaxed)
    }

    /// Counts a call in; returns how many ran already.
    pub(super) fn enter(&self) -> u64 {
        self.0.in_flight.fetch_add(1, Relaxed)
    }

    /// Counts a call out.
    pub(super) fn leave(&self, code: Code, upstream: bool) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        if let Some(count) = self.0.finished.get(code as usize) {
            count.fetch_add(1, Relaxed);
        }
        if upstream {
            self.0.upstream.fetch_add(1, Relaxed);
        }
    }

    /// Counts a panic.
    pub(super) fn panicked(&self) {
        self.0.panics.fetch_add(1, Relaxed);
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("in_flight", &self.in_flight())
            .field("total", &self.total())
            .field("upstream", &self.upstream())
            .field("panics", &self.panics())
            .finish()
    }
}
