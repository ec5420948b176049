//! The replies of a call that streams them, on the client.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use prost::Message;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::requests::Moved;
use super::response::{self, Incoming};
use crate::call::{Call, silence};
use crate::codec;
use crate::error::{CallError, DomainError};
use crate::interceptor::Hooks;
use crate::observe::Observed;

/// The replies of one call. Dropping it cancels the call.
///
/// After the end, or after the first error, it gives nothing more.
pub struct ReplyStream<T, E> {
    raw: RawReplies,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T: Message + Default, E: DomainError> ReplyStream<T, E> {
    pub(super) fn new(raw: RawReplies) -> Self {
        Self { raw, types: PhantomData }
    }

    /// The next reply; `None` when the call ended well.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E>>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// The headers of the reply.
    pub fn metadata(&self) -> MetadataMap {
        self.raw.call().reply().headers()
    }

    /// The trailers of the reply; empty before the end.
    pub fn trailers(&self) -> MetadataMap {
        self.raw.call().reply().trailers()
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, CallError<E>>>> {
        self.raw.poll_next(cx).map(|next| {
            let message = next?.and_then(|bytes| {
                codec::decode(bytes, "reply").inspect_err(|status| self.raw.end(Err(status)))
            });
            Some(message.map_err(CallError::from_status))
        })
    }
}

impl<T: Message + Default, E: DomainError> Stream for ReplyStream<T, E> {
    type Item = Result<T, CallError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(cx)
    }
}

impl<T, E> fmt::Debug for ReplyStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("call", self.raw.call()).finish_non_exhaustive()
    }
}

/// The encoded replies of one call.
pub(super) struct RawReplies {
    observed: Observed,
    state: State,
    hooks: Option<Hooks>,
    deadline: Option<Pin<Box<Sleep>>>,
    idle: Option<Idle>,
}

/// Ends a stream that is quiet for too long.
pub(super) struct Idle {
    moved: Moved,
    lost: BoxFuture<'static, Status>,
}

impl Idle {
    pub(super) fn new(most: Duration) -> Self {
        let moved = Moved::default();
        let seen = Arc::clone(&moved);
        Self { moved, lost: Box::pin(silence(most, move || seen.load(Relaxed))) }
    }

    /// Changes with every message.
    pub(super) fn moved(&self) -> &Moved {
        &self.moved
    }

    /// Ready when the stream was quiet for too long.
    pub(super) async fn lost(self) -> Status {
        self.lost.await
    }
}

/// A stream of replies whose headers came.
pub(super) struct Opened {
    pub(super) replies: Box<Incoming>,
    pub(super) hooks: Option<Hooks>,
    pub(super) idle: Option<Idle>,
}

enum State {
    Open(Box<Incoming>),
    /// An interceptor answered instead of the server.
    Answered(Bytes),
    Ended,
}

impl RawReplies {
    pub(super) fn open(observed: Observed, stream: Opened) -> Self {
        let Opened { replies, hooks, idle } = stream;
        Self { idle, ..Self::new(observed, State::Open(replies), hooks) }
    }

    pub(super) fn answered(observed: Observed, message: Bytes) -> Self {
        Self::new(observed, State::Answered(message), None)
    }

    fn new(observed: Observed, state: State, hooks: Option<Hooks>) -> Self {
        let deadline = observed.call().deadline();
        let deadline = deadline.map(|deadline| Box::pin(sleep_until(Instant::from_std(deadline))));
        Self { observed, state, hooks, deadline, idle: None }
    }

    fn call(&self) -> &Call {
        self.observed.call()
    }

    /// Drops the stream, and with it the call.
    fn end(&mut self, outcome: Result<(), &Status>) {
        self.state = State::Ended;
        self.deadline = None;
        self.idle = None;
        let (code, message) =
            outcome.err().map_or((Code::Ok, ""), |status| (status.code(), status.message()));
        self.observed.end(code, message);
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        let replies = match &mut self.state {
            State::Open(replies) => replies,
            State::Answered(message) => {
                let message = std::mem::take(message);
                self.end(Ok(()));
                return Poll::Ready(Some(Ok(message)));
            }
            State::Ended => return Poll::Ready(None),
        };
        // Before the stream, or one that is always ready would never be late.
        if self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready()) {
            let late = response::deadline_exceeded();
            self.end(Err(&late));
            return Poll::Ready(Some(Err(late)));
        }
        let polled = replies.poll_next(cx);
        if let Some(idle) = &mut self.idle {
            if polled.is_ready() {
                idle.moved.fetch_add(1, Relaxed);
            } else if let Poll::Ready(quiet) = idle.lost.as_mut().poll(cx) {
                self.end(Err(&quiet));
                return Poll::Ready(Some(Err(quiet)));
            }
        }
        let next = match ready!(polled) {
            Ok(Some(message)) => match self.hooks.as_mut().map(|hooks| hooks.message(&message)) {
                None | Some(Ok(())) => return Poll::Ready(Some(Ok(message))),
                Some(Err(refused)) => Some(Err(refused)),
            },
            Ok(None) => None,
            Err(status) => Some(Err(status)),
        };
        self.end(next.as_ref().map_or(Ok(()), |error: &Result<Bytes, Status>| error.as_ref().map(|_| ())));
        Poll::Ready(next)
    }
}
