//! No wake is lost: loom runs what follows in every order that threads can run it in.

#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test"
)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread;

#[path = "../src/net/batched.rs"]
mod batched;
#[path = "../src/net/load.rs"]
mod load;

/// What the file above synchronises with, by loom.
mod sync {
    pub(super) use loom::sync::atomic::AtomicU8;
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

use batched::Batched;
use load::{Carried, Load};

/// Waits for a number of events, as a connection waits for its calls.
#[derive(Clone)]
struct Events(Arc<(AtomicUsize, Mutex<Option<Waker>>)>);

impl Events {
    fn new(count: usize) -> Self {
        Self(Arc::new((AtomicUsize::new(count), Mutex::new(None))))
    }

    fn happen(&self) {
        self.0.0.fetch_sub(1, SeqCst);
        let waker = self.0.1.lock().unwrap().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn all(&self) -> impl Future<Output = ()> + use<> {
        let events = self.clone();
        poll_fn(move |cx| {
            *events.0.1.lock().unwrap() = Some(cx.waker().clone());
            if events.0.0.load(SeqCst) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counter() -> (Arc<Counter>, Waker) {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    (Arc::clone(&counter), Waker::from(counter))
}

fn carrying(calls: usize) -> (Load, Vec<Carried>) {
    let load = Load::default();
    let calls = (0..calls).map(|_| load.carry()).collect();
    (load, calls)
}

fn in_every_order(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(check);
}

/// A lost wake is a deadlock here, and loom says so.
fn every_event_is_seen(calls: usize) {
    in_every_order(move || {
        let (load, _calls) = carrying(calls);
        let events = Events::new(2);
        let others = [events.clone(), events.clone()].map(|events| thread::spawn(move || events.happen()));
        loom::future::block_on(Batched::new(events.all(), load));
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn every_event_is_seen_by_one_call() {
    every_event_is_seen(1);
}

#[test]
fn every_event_is_seen_by_many_calls() {
    every_event_is_seen(2);
}

/// A task that moves, or a `select!` that hands its own waker down, polls with another waker than before.
#[test]
fn a_change_of_wakers_loses_nothing() {
    in_every_order(|| {
        let (load, _calls) = carrying(1);
        let events = Events::new(1);
        let mut batched = Batched::new(events.all(), load);
        let (_, first) = counter();
        let (woken, second) = counter();
        let mut poll = |waker: &Waker| Pin::new(&mut batched).poll(&mut Context::from_waker(waker));
        assert!(poll(&first).is_pending());
        let other = thread::spawn(move || events.happen());
        let seen = poll(&second).is_ready();
        other.join().unwrap();
        assert!(seen || woken.0.load(SeqCst) > 0, "the waker of the last poll was not woken");
    });
}

/// A poll that nobody asked for, at any time, changes nothing.
#[test]
fn polls_for_no_reason_lose_nothing() {
    in_every_order(|| {
        let (load, _calls) = carrying(2);
        let events = Events::new(1);
        let mut batched = Batched::new(events.all(), load);
        let other = {
            let events = events.clone();
            thread::spawn(move || events.happen())
        };
        let (_, nobody) = counter();
        if Pin::new(&mut batched).poll(&mut Context::from_waker(&nobody)).is_pending() {
            loom::future::block_on(batched);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_ring_after_the_end_reaches_nobody() {
    in_every_order(|| {
        let (load, _calls) = carrying(2);
        let events = Events::new(1);
        let late = events.clone();
        let other = thread::spawn({
            let events = events.clone();
            move || events.happen()
        });
        loom::future::block_on(Batched::new(events.all(), load));
        other.join().unwrap();
        if let Some(waker) = late.0.1.lock().unwrap().take() {
            waker.wake();
        }
    });
}
