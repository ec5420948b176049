//! Between a handler and the body of its response.
//!
//! In: messages from the handler, failures from its request stream. Out: batches of bytes. Both ends live in one task, so
//! the lock is never waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use prost::Message;
use tonic::Status;

use crate::codec::{self, BATCH, PREFIX};
use crate::interceptor::Hooks;

/// What a handler wrote and the response has not taken.
#[derive(Default)]
pub(super) struct Outbox(Mutex<State>);

#[derive(Default)]
struct State {
    buffer: BytesMut,
    /// The handler asked for headers, or wrote something.
    opened: bool,
    /// The call has to end with this, whatever the handler does.
    failure: Option<Status>,
    /// Stays true once there was a failure.
    failed: bool,
    upstream: bool,
    writer: Option<Waker>,
}

impl Outbox {
    /// Asks for headers.
    pub(super) fn open(&self) {
        self.lock().opened = true;
    }

    /// Whether headers are due.
    pub(super) fn is_open(&self) -> bool {
        self.lock().opened
    }

    /// Ready when there is room for a message. Never again after a failure: the call ends before the handler resumes.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.failed && state.buffer.len() < BATCH {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes a message; one that cannot be written, or that a hook refuses, is the failure of the call.
    /// Says whether it was written.
    pub(super) fn push<T: Message>(&self, message: &T, hooks: Option<&mut Hooks>) -> bool {
        let mut state = self.lock();
        let start = state.buffer.len();
        let framed = codec::frame(message, &mut state.buffer);
        state.seal(start, framed, hooks)
    }

    /// Writes a message that is encoded already, in place of all that was written.
    pub(super) fn replace(&self, message: &[u8]) {
        let mut state = self.lock();
        state.buffer.clear();
        let framed = codec::frame_bytes(message, &mut state.buffer);
        state.seal(0, framed, None);
    }

    /// Ends the call with `status`.
    pub(super) fn fail(&self, status: Status) {
        self.lock().fail(status);
    }

    /// The failure that the call has to end with.
    pub(super) fn take_failure(&self) -> Option<Status> {
        self.lock().failure.take()
    }

    /// Says that the outcome is the error of another service.
    pub(super) fn mark_upstream(&self) {
        self.lock().upstream = true;
    }

    pub(super) fn is_upstream(&self) -> bool {
        self.lock().upstream
    }

    /// Takes what may be sent now, and lets the handler write again.
    pub(super) fn take(&self) -> Option<Bytes> {
        let mut state = self.lock();
        if state.buffer.is_empty() {
            return None;
        }
        let length = state.buffer.len().min(BATCH);
        let batch = state.buffer.split_to(length).freeze();
        let writer = if state.buffer.len() < BATCH { state.writer.take() } else { None };
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked over it was the handler, and then nothing of it is sent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn seal(&mut self, start: usize, framed: Result<(), Status>, hooks: Option<&mut Hooks>) -> bool {
        let seen = framed.and_then(|()| match (hooks, self.buffer.get(start + PREFIX..)) {
            (Some(hooks), Some(payload)) => hooks.message(payload),
            _ => Ok(()),
        });
        match seen {
            Ok(()) => {
                self.opened = true;
                true
            }
            Err(status) => {
                self.buffer.truncate(start);
                self.fail(status);
                false
            }
        }
    }

    fn fail(&mut self, status: Status) {
        if !self.failed {
            self.failed = true;
            self.failure = Some(status);
        }
    }
}
