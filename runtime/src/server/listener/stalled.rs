//! Ends calls at their deadline when their callers do not read.
//!
//! In: the task of one call, as hyper makes it. Out: the same task, which ends at the deadline at the latest.
//!
//! A handler is polled as the body of its response, and hyper asks a body for more only when there is room for it. As long as a
//! caller takes nothing, nobody looks at the deadline. So a body says what it did last, and when it gave a message and was not
//! asked for another one, its task waits for the deadline, too. hyper has then no room for trailers, either: the stream is reset.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

thread_local! {
    /// What the body did that was polled last, for the task that polled it.
    static LAST: Cell<Last> = const { Cell::new(Last::Nothing) };
}

#[derive(Clone, Copy, Default)]
enum Last {
    /// No body was polled.
    #[default]
    Nothing,
    /// It looks at its deadline itself, or has none.
    Waits,
    /// It gave a message, and will look at its deadline when it is asked for more.
    Gave(Instant),
}

/// Says that a body with this deadline was polled, and whether it gave a message.
pub(super) fn polled(deadline: Option<Instant>, gave: bool) {
    LAST.set(deadline.filter(|_| gave).map_or(Last::Waits, Last::Gave));
}

/// Starts the tasks of a connection's calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        drop(tokio::spawn(bounded(call)));
    }
}

async fn bounded(call: impl Future<Output = ()>) {
    let mut call = pin!(call);
    // Made when a caller reads too slowly: most never do.
    let mut deadline: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        LAST.set(Last::Nothing);
        if call.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match LAST.get() {
            Last::Nothing => {}
            Last::Waits => deadline = None,
            Last::Gave(at) => {
                deadline.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
            }
        }
        match &mut deadline {
            Some(deadline) => deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    })
    .await;
}
