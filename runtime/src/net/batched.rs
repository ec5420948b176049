//! One poll of a connection for a batch of wakes.
//!
//! In: the future of a connection, and how many calls it carries. Out: the same future, polled less often. Never: a
//! wake that is lost.
//!
//! Each call that ends wakes its connection, and tokio's multi-thread runtime runs what was woken last next: one answer
//! per system call. So the connection gets a waker of its own. When that one rings, and several calls share the
//! connection, the other tasks that are ready have their turn, and then the connection is polled once for all that rang
//! meanwhile. A connection with one call is polled at once: nobody else would answer.

use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::load::Load;
use super::sync::{AtomicU8, Mutex, MutexGuard};

/// A future that is polled once for a batch of wakes.
pub(crate) struct Batched<F> {
    inner: Pin<Box<F>>,
    load: Load,
    bell: Arc<Bell>,
    /// Rings `bell`.
    waker: Waker,
    /// The others have had their turn since it rang.
    gave_way: bool,
}

impl<F: Future> Batched<F> {
    pub(crate) fn new(inner: F, load: Load) -> Self {
        let bell = Arc::new(Bell { state: AtomicU8::new(RUNG), outer: Mutex::new(None) });
        let waker = Waker::from(Arc::clone(&bell));
        Self { inner: Box::pin(inner), load, bell, waker, gave_way: true }
    }

    /// The inner future, to be told something. It is polled the next time that this one is.
    pub(crate) fn inner(&mut self) -> Pin<&mut F> {
        self.bell.state.fetch_or(RUNG, AcqRel);
        self.gave_way = true;
        self.inner.as_mut()
    }

    /// Comes back after the others, or at once if there are none to wait for.
    fn come_back(&mut self, cx: &mut Context<'_>) {
        if self.load.is_shared() {
            self.gave_way = true;
            give_way(cx);
        } else {
            cx.waker().wake_by_ref();
        }
    }
}

impl<F: Future> Future for Batched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.bell.wake_from_now_on(cx.waker());
        if !this.bell.has_rung() {
            return Poll::Pending;
        }
        if this.load.is_shared() && !mem::replace(&mut this.gave_way, true) {
            give_way(cx);
            return Poll::Pending;
        }
        this.gave_way = false;
        this.bell.begin_poll();
        let polled = this.inner.as_mut().poll(&mut Context::from_waker(&this.waker));
        // After the end nobody is woken any more: the state stays what it is.
        if polled.is_pending() && this.bell.end_poll() {
            this.come_back(cx);
        }
        polled
    }
}

/// Wakes the task when all others that are ready now have run, and what arrived has been looked at.
fn give_way(cx: &mut Context<'_>) {
    // One poll makes the runtime note the waker; there is nothing else in that future.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

/// Rung by what the inner future waits for.
struct Bell {
    state: AtomicU8,
    outer: Mutex<Option<Waker>>,
}

/// It rang since the last poll of the inner future began. Then the outer task is awake, or about to be.
const RUNG: u8 = 1;
/// The inner future is being polled, and whoever polls it looks again afterwards.
const POLLING: u8 = 2;

impl Bell {
    fn has_rung(&self) -> bool {
        self.state.load(Acquire) & RUNG != 0
    }

    /// What rings from here on is for another poll.
    fn begin_poll(&self) {
        self.state.swap(POLLING, AcqRel);
    }

    /// Says whether it rang during the poll.
    fn end_poll(&self) -> bool {
        self.state.fetch_and(!POLLING, AcqRel) & RUNG != 0
    }

    fn wake_from_now_on(&self, waker: &Waker) {
        let mut outer = self.outer();
        match &mut *outer {
            Some(outer) => outer.clone_from(waker),
            None => *outer = Some(waker.clone()),
        }
    }

    fn outer(&self) -> MutexGuard<'_, Option<Waker>> {
        self.outer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(RUNG, AcqRel) != 0 {
            return;
        }
        // Outside of the lock: nobody knows what a waker does.
        let outer = self.outer().clone();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}
