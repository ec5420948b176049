//! What a choice goes by.

use std::time::Duration;

use http::HeaderName;

use super::endpoint::Endpoint;
use crate::call::{Call, hash_of, hops};

/// A call that looks for an endpoint.
pub(super) struct Picking<'c> {
    pub(super) call: &'c Call,
    /// When, by the clock of the pool.
    pub(super) at: Duration,
}

impl Picking<'_> {
    /// Whether the call went there before.
    pub(super) fn was_at(&self, endpoint: &Endpoint) -> bool {
        self.call.visited().has(endpoint.number)
    }

    /// Whether the call may go to nobody but instances of its colour.
    pub(super) fn is_colour_forced(&self) -> bool {
        hops::is_colour_forced(self.call.metadata().as_ref())
    }

    /// The key of the call: the one that its caller gave, or what it says in this header.
    pub(super) fn key(&self, header: Option<&HeaderName>) -> Option<u64> {
        let said = || self.call.metadata().as_ref().get(header?).map(|value| hash_of(value.as_bytes()));
        self.call.key().or_else(said)
    }
}
