//! Between a handler and the body of its response.
//!
//! In: messages from the handler, failures from its request stream. Out: batches of bytes. Both ends live in one task, so
//! the lock is never waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::call::Call;
use crate::codec::{self, Accepted, BATCH, Encoding, Limit, PREFIX};
use crate::interceptor::Hooks;

/// What a handler wrote and the response has not taken.
pub(super) struct Outbox {
    call: Call,
    sending: Sending,
    state: Mutex<State>,
}

/// How the replies of a call are sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) limit: Limit,
    /// How they are compressed, unless the handler says otherwise.
    pub(super) encoding: Option<Encoding>,
    /// What the caller can read; nothing else is used.
    pub(super) accepted: Accepted,
}

#[derive(Default)]
struct State {
    /// What may be sent before `buffer`.
    rest: Bytes,
    buffer: Vec<u8>,
    /// How messages are compressed; it stays what it was when it was first asked for, which is before the headers go.
    encoding: Option<Option<Encoding>>,
    /// The handler asked for headers, or wrote something.
    opened: bool,
    /// The call has to end with this, whatever the handler does.
    failure: Option<Status>,
    /// Stays true once there was a failure.
    failed: bool,
    upstream: bool,
    /// How many messages went either way.
    moved: u64,
    writer: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(call: Call, sending: Sending) -> Self {
        Self { call, sending, state: Mutex::default() }
    }

    /// How messages are compressed, for the headers.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.lock().encoding(self)
    }

    /// Asks for headers.
    pub(super) fn open(&self) {
        self.lock().opened = true;
    }

    /// Whether headers are due.
    pub(super) fn is_open(&self) -> bool {
        self.lock().opened
    }

    /// Writes a message as soon as there is room for it; one that cannot be written, or that a hook refuses, is the failure
    /// of the call. Says whether it was written. Never ready after a failure: the call ends before the handler resumes.
    pub(super) fn poll_push<T: Message>(
        &self,
        message: &T,
        hooks: Option<&mut Hooks>,
        compress: bool,
        cx: &Context<'_>,
    ) -> Poll<bool> {
        let mut state = self.lock();
        if state.failed || state.is_full() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(state.push(message, hooks, compress, self))
    }

    /// Writes a message, whether or not there is room for it; the only one of its call.
    pub(super) fn push<T: Message>(&self, message: &T, hooks: Option<&mut Hooks>, compress: bool) {
        self.lock().push(message, hooks, compress, self);
    }

    /// Writes a message that is encoded already, in place of all that was written.
    pub(super) fn replace(&self, message: &[u8]) {
        let mut state = self.lock();
        state.clear();
        let encoding = state.encoding(self);
        let framed = codec::frame_bytes(message, &mut state.buffer, self.sending.limit);
        state.seal(0, framed, None, encoding);
    }

    /// Ends the call with `status`.
    pub(super) fn fail(&self, status: Status) {
        self.lock().fail(status);
    }

    /// Notes that a message came in.
    pub(super) fn note(&self) {
        self.lock().moved += 1;
    }

    /// Changes when a message went either way.
    pub(super) fn moved(&self) -> u64 {
        self.lock().moved
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

    /// Forgets what was written.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Takes what may be sent now, and lets the handler write again.
    pub(super) fn take(&self) -> Option<Bytes> {
        let mut state = self.lock();
        if state.rest.is_empty() {
            state.rest = std::mem::take(&mut state.buffer).into();
        }
        if state.rest.is_empty() {
            return None;
        }
        let length = state.rest.len().min(BATCH);
        let batch = state.rest.split_to(length);
        state.moved += 1;
        let writer = if state.is_full() { None } else { state.writer.take() };
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked over it was the handler, and then nothing of it is sent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the handler has to wait.
    fn is_full(&self) -> bool {
        self.rest.len() + self.buffer.len() >= BATCH
    }

    fn clear(&mut self) {
        self.rest.clear();
        self.buffer.clear();
    }

    fn push<T: Message>(
        &mut self,
        message: &T,
        hooks: Option<&mut Hooks>,
        compress: bool,
        outbox: &Outbox,
    ) -> bool {
        let start = self.buffer.len();
        let encoding = self.encoding(outbox).filter(|_| compress);
        let framed = codec::frame(message, &mut self.buffer, outbox.sending.limit);
        self.seal(start, framed, hooks, encoding)
    }

    /// What the handler asked for, else what the server is set to, if the caller can read it.
    fn encoding(&mut self, outbox: &Outbox) -> Option<Encoding> {
        *self.encoding.get_or_insert_with(|| {
            let Sending { encoding, accepted, .. } = outbox.sending;
            let asked = outbox.call.touched_reply().and_then(|reply| reply.compression());
            asked.unwrap_or(encoding).filter(|encoding| accepted.contains(*encoding))
        })
    }

    /// Takes a frame for written, or takes it back. Hooks see the message before it is compressed.
    fn seal(
        &mut self,
        start: usize,
        framed: Result<(), Status>,
        hooks: Option<&mut Hooks>,
        encoding: Option<Encoding>,
    ) -> bool {
        let seen = framed.and_then(|()| match (hooks, self.buffer.get(start + PREFIX..)) {
            (Some(hooks), Some(payload)) => hooks.message(payload),
            _ => Ok(()),
        });
        match seen {
            Ok(()) => {
                if let Some(encoding) = encoding {
                    codec::compress(&mut self.buffer, start, encoding);
                }
                self.opened = true;
                self.moved += 1;
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
