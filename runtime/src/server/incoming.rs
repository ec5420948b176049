//! The requests of a call that streams them.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use prost::Message;

use super::exchange::Source;
use super::outbox::Outbox;
use crate::codec;
use crate::observe;

/// The requests that a caller streams.
///
/// It ends when the caller is done. A stream that breaks, or that carries what cannot be decoded, does not end here:
/// the runtime ends the call, and the handler is dropped where it waits.
pub struct Incoming<T> {
    source: Option<Source>,
    outbox: Arc<Outbox>,
    message: PhantomData<fn() -> T>,
}

impl<T: Message + Default + fmt::Debug> Incoming<T> {
    pub(super) fn new(source: Option<Source>, outbox: Arc<Outbox>) -> Self {
        Self { source, outbox, message: PhantomData }
    }

    /// The next request, or `None` when the caller is done.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let read = ready!(source.poll_next(cx));
        match read.and_then(|bytes| bytes.map(|bytes| codec::decode(bytes, "request")).transpose()) {
            Ok(Some(message)) => {
                self.outbox.note();
                observe::message("request received", &message);
                Poll::Ready(Some(message))
            }
            Ok(None) => {
                self.source = None;
                Poll::Ready(None)
            }
            Err(status) => {
                self.outbox.fail(status);
                // The call looks for failures after each poll of the handler, whoever polled this.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<T: Message + Default + fmt::Debug> Stream for Incoming<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_message(cx)
    }
}

impl<T> fmt::Debug for Incoming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("done", &self.source.is_none()).finish_non_exhaustive()
    }
}
