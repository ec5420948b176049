//! Ends the sending of requests when nobody waits for the replies any more.
//!
//! In: a request stream that goes out, and the response it belongs to. Out: when the response is dropped, so is the task
//! that sends the requests, and with both the HTTP/2 stream is reset.
//!
//! hyper sends a request body from a task of its own and leaves it alone when the response is dropped: a source that
//! never ends, or a peer that does not read, would keep a dropped call alive for ever. That task is started, on the same
//! thread, right after the body was polled for the first time; there the executor learns which call it belongs to.

use std::cell::Cell;
use std::future::Future;

use tokio::sync::oneshot;

thread_local! {
    /// Left by a body that was polled for the first time, for the task that is started next.
    static ANNOUNCED: Cell<Option<Tether>> = const { Cell::new(None) };
}

/// Held by the response; dropping it ends the task that sends.
pub(super) struct Leash {
    _held: oneshot::Sender<()>,
}

/// Held by the request body until it is first polled.
pub(super) struct Tether(oneshot::Receiver<()>);

/// Both ends.
pub(super) fn leash() -> (Leash, Tether) {
    let (held, dropped) = oneshot::channel();
    (Leash { _held: held }, Tether(dropped))
}

impl Tether {
    /// Says that the next task belongs to this call. It is the task that sends the body, or if that was done at once,
    /// the one that waits for the head of the response, which may as well end with it.
    pub(super) fn announce(self) {
        ANNOUNCED.set(Some(self));
    }
}

/// Starts the tasks of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        match ANNOUNCED.take() {
            None => drop(tokio::spawn(future)),
            Some(Tether(dropped)) => drop(tokio::spawn(async move {
                tokio::select! {
                    biased;
                    _ = dropped => {}
                    () = future => {}
                }
            })),
        }
    }
}
