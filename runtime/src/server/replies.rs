//! The replies of a call that streams them.

use std::fmt;
use std::future::{pending, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use futures_core::Stream;
use prost::Message;

use super::outbox::Outbox;
use crate::interceptor::Hooks;
use crate::observe;

/// Where a handler sends its replies.
///
/// Sending cannot fail: when the caller goes away, the handler is dropped where it waits, and `Drop` is its clean-up.
pub struct Replies<T> {
    outbox: Arc<Outbox>,
    hooks: Option<Hooks>,
    compress: bool,
    message: PhantomData<fn(T)>,
}

impl<T: Message + fmt::Debug> Replies<T> {
    pub(super) fn new(outbox: Arc<Outbox>, hooks: Option<Hooks>) -> Self {
        Self { outbox, hooks, compress: true, message: PhantomData }
    }

    /// Sends the headers now instead of with the first message. Without it they go after 100 ms at the latest.
    ///
    /// After that the call counts as answered: nobody retries it, and headers of the reply can no longer be added.
    pub fn open(&mut self) {
        self.outbox.open();
    }

    /// Sends the messages that follow compressed or as they are, in a call whose replies are compressed; in another one it
    /// changes nothing. For messages that are packed already: images, ciphertext.
    pub fn compress(&mut self, messages: bool) {
        self.compress = messages;
    }

    /// Sends one reply. It waits while the caller reads more slowly than the handler writes.
    pub async fn send(&mut self, message: T) {
        observe::message("reply sent", &message);
        let Self { outbox, hooks, compress, .. } = self;
        if !poll_fn(|cx| outbox.poll_push(&message, hooks.as_mut(), *compress, cx)).await {
            // The call ends with the failure; the handler must not go on as if it had been sent.
            pending::<()>().await;
        }
    }

    /// Sends all that `stream` gives, until it ends.
    pub async fn forward(&mut self, stream: impl Stream<Item = T> + Send) {
        let mut stream = pin!(stream);
        while let Some(message) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            self.send(message).await;
        }
    }
}

impl<T> fmt::Debug for Replies<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}
