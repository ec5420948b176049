//! How often a batched future is polled. That no wake is lost is the matter of `tests/batched.rs`.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::{Batched, ConnectionSection, Listener, Load, Plain};

/// Pending until `events` is zero; counts its polls and hands its waker out.
#[derive(Clone, Default)]
struct Probe {
    polls: Arc<AtomicUsize>,
    events: Arc<AtomicUsize>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Probe {
    fn after(events: usize) -> Self {
        Self { events: Arc::new(AtomicUsize::new(events)), ..Self::default() }
    }

    fn future(&self) -> impl Future<Output = ()> + use<> {
        let probe = self.clone();
        poll_fn(move |cx| {
            probe.polls.fetch_add(1, SeqCst);
            *probe.waker.lock().unwrap() = Some(cx.waker().clone());
            if probe.events.load(SeqCst) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn happen(&self) {
        self.events.fetch_sub(1, SeqCst);
        self.ring();
    }

    fn ring(&self) {
        let waker = self.waker.lock().unwrap().clone();
        waker.expect("polled once").wake();
    }

    fn polls(&self) -> usize {
        self.polls.load(SeqCst)
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Counter {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll<F: Future>(batched: &mut Batched<F>, counter: &Arc<Counter>) -> Poll<F::Output> {
    Pin::new(batched).poll(&mut Context::from_waker(&Waker::from(Arc::clone(counter))))
}

/// Two calls on one connection.
fn shared() -> (Load, [super::Carried; 2]) {
    let load = Load::default();
    let calls = [load.carry(), load.carry()];
    (load, calls)
}

#[tokio::test]
async fn many_wakes_are_one_poll() {
    let probe = Probe::after(100);
    let (load, _calls) = shared();
    let connection = tokio::spawn(Batched::new(probe.future(), load));
    tokio::task::yield_now().await;
    let before = probe.polls();
    for _ in 0..100 {
        let probe = probe.clone();
        tokio::spawn(async move { probe.happen() });
    }
    connection.await.unwrap();
    assert_eq!((before, probe.polls()), (1, 2));
}

#[tokio::test]
async fn alone_it_is_polled_at_once() {
    let probe = Probe::after(1);
    let load = Load::default();
    let _call = load.carry();
    let (mut batched, counter) = (Batched::new(probe.future(), load), Arc::default());
    assert!(poll(&mut batched, &counter).is_pending());
    probe.happen();
    assert!(poll(&mut batched, &counter).is_ready(), "nobody is waited for");
}

#[tokio::test]
async fn polls_without_a_wake_do_not_reach_it() {
    let probe = Probe::after(1);
    let (mut batched, counter) = (Batched::new(probe.future(), Load::default()), Arc::default());
    for _ in 0..5 {
        assert!(poll(&mut batched, &counter).is_pending());
    }
    assert_eq!((probe.polls(), counter.count()), (1, 0));
}

#[test]
fn the_latest_waker_is_woken_once() {
    let probe = Probe::after(1);
    let (mut batched, old, new) =
        (Batched::new(probe.future(), Load::default()), Arc::default(), Arc::default());
    assert!(poll(&mut batched, &old).is_pending());
    assert!(poll(&mut batched, &new).is_pending());
    (0..3).for_each(|_| probe.ring());
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[test]
fn after_the_end_nobody_is_woken() {
    let probe = Probe::after(0);
    let (mut batched, counter) = (Batched::new(probe.future(), Load::default()), Arc::default());
    assert!(poll(&mut batched, &counter).is_ready());
    probe.ring();
    assert_eq!(counter.count(), 0);
}

/// tokio answers so when a task has used up its time: whoever went on at once would never end.
#[tokio::test]
async fn a_wake_during_the_poll_comes_after_the_others() {
    for calls in [0, 2] {
        let load = Load::default();
        let _calls: Vec<_> = (0..calls).map(|_| load.carry()).collect();
        let inner = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let mut batched = pin!(Batched::new(inner, load));
        tokio::select! {
            biased;
            () = &mut batched => unreachable!(),
            () = async { for _ in 0..10 { tokio::task::yield_now().await } } => {}
        }
    }
}

#[tokio::test]
async fn what_was_told_something_is_polled() {
    let probe = Probe::after(1);
    let (mut batched, counter) = (Batched::new(probe.future(), shared().0), Arc::default());
    assert!(poll(&mut batched, &counter).is_pending());
    let _inner = batched.inner();
    assert!(poll(&mut batched, &counter).is_pending());
    assert_eq!(probe.polls(), 2);
}

#[tokio::test]
async fn options_of_sockets_are_set() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.address().unwrap().to_string();
    let _client = tokio::net::TcpStream::connect(address).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    assert!(peer.address.is_some());
    let settings = |nodelay, tcp_keepalive_ms| ConnectionSection {
        nodelay,
        tcp_keepalive_ms,
        ..ConnectionSection::default()
    };
    let Plain::Tcp(socket) = &stream else { panic!("it is TCP") };
    let options = || {
        let raw = socket2::SockRef::from(socket);
        (raw.tcp_nodelay().unwrap(), raw.keepalive().unwrap())
    };
    stream.tune(&settings(true, 0)).unwrap();
    assert_eq!(options(), (true, false));
    stream.tune(&settings(false, 45_000)).unwrap();
    assert_eq!(options(), (false, true));
    assert_eq!(socket2::SockRef::from(socket).tcp_keepalive_time().unwrap().as_secs(), 45);
}

#[test]
fn ages_differ_by_what_is_allowed() {
    let aged = |percent| {
        let settings = ConnectionSection {
            max_age_ms: 1000,
            max_age_jitter_percent: percent,
            ..ConnectionSection::default()
        };
        let ages: Vec<_> = (0..1000).map(|random| settings.max_age(random).unwrap().as_millis()).collect();
        (*ages.iter().min().unwrap(), *ages.iter().max().unwrap())
    };
    assert_eq!((aged(0), aged(10), aged(99)), ((1000, 1000), (900, 1100), (10, 1990)));
    assert_eq!(ConnectionSection::default().max_age(7), None);
}
