//! How many calls a connection carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of calls that one connection carries now; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load(Arc<AtomicUsize>);

impl Load {
    /// Counts a call in, until what is returned is dropped.
    pub(crate) fn carry(&self) -> Carried {
        self.0.fetch_add(1, Relaxed);
        Carried(self.clone())
    }

    /// Whether several calls share the connection.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.load(Relaxed) > 1
    }
}

/// A call that a connection carries.
#[derive(Debug)]
pub(crate) struct Carried(Load);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
