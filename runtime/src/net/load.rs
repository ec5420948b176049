//! How many calls a connection carries, and how many connections a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of calls that one connection carries now, or of connections on one thread; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load(Arc<AtomicUsize>);

impl Load {
    /// Counts one in, until what is returned is dropped.
    pub(crate) fn carry(&self) -> Carried {
        self.0.fetch_add(1, Relaxed);
        Carried(self.clone())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Whether several calls share the connection.
    pub(crate) fn is_shared(&self) -> bool {
        self.count() > 1
    }
}

/// One that was counted in.
#[derive(Debug)]
pub(crate) struct Carried(Load);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
