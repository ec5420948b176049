//! What a generated row works with: the request side and the reply side of one call.
//!
//! In: the call's request stream. Out: typed messages to the handler, and its outcome to the outbox. Everything that
//! does not depend on a message type is compiled once.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use super::outbox::Outbox;
use super::{Incoming, Replies};
use crate::call::Call;
use crate::codec::{self, Encoding, Limit, Messages};
use crate::error::{Failure, IntoFailure};
use crate::interceptor::{Direction, Hooks, Interceptors};
use crate::observe;

/// Both sides of one call.
pub struct Exchange {
    source: Option<Source>,
    outbox: Arc<Outbox>,
    sent: Option<Hooks>,
}

impl Exchange {
    /// `encoding` is how the requests are compressed.
    pub(super) fn new(body: Body, encoding: Option<Encoding>, limit: Limit, outbox: Arc<Outbox>) -> Self {
        let messages = Messages::new(body, encoding, limit);
        Self { source: Some(Source { messages, hooks: None }), outbox, sent: None }
    }

    /// Lets interceptors see the messages.
    pub(super) fn show(&mut self, interceptors: &Interceptors, call: &Call) {
        self.sent = Hooks::new(interceptors, call, Direction::Sent);
        if let Some(source) = &mut self.source {
            source.hooks = Hooks::new(interceptors, call, Direction::Received);
        }
    }

    /// The only request.
    ///
    /// # Errors
    ///
    /// Fails when there is none, more than one, or one that cannot be read.
    pub async fn request<T: Message + Default + fmt::Debug>(&mut self) -> Result<T, Failure> {
        let bytes = self.only().await.map_err(IntoFailure::into_failure)?;
        let request = codec::decode(bytes, "request").map_err(IntoFailure::into_failure)?;
        observe::message("request received", &request);
        Ok(request)
    }

    async fn only(&mut self) -> Result<Bytes, Status> {
        let Some(mut source) = self.source.take() else {
            return Err(Status::internal("the request was read twice"));
        };
        let Some(request) = poll_fn(|cx| source.poll_next(cx)).await? else {
            return Err(Status::unimplemented("the request is missing"));
        };
        // The end has to be seen before the handler runs: a request that was cut off must not be served.
        match poll_fn(|cx| source.poll_next(cx)).await? {
            None => Ok(request),
            Some(_) => Err(Status::unimplemented("the method takes one request, and more came")),
        }
    }

    /// Answers with the handler's only reply, or with its error.
    ///
    /// # Errors
    ///
    /// Fails with the handler's error.
    pub fn reply<T: Message + fmt::Debug, E: IntoFailure>(
        &mut self,
        result: Result<T, E>,
    ) -> Result<(), Failure> {
        let reply = result.map_err(IntoFailure::into_failure)?;
        observe::message("reply sent", &reply);
        self.outbox.push(&reply, self.sent.as_mut(), true);
        Ok(())
    }

    /// Ends a stream of replies with the handler's outcome; the same as the free [`finish`].
    ///
    /// # Errors
    ///
    /// Fails with the handler's error.
    pub fn finish<E: IntoFailure>(&self, result: Result<(), E>) -> Result<(), Failure> {
        finish(result)
    }

    /// The requests. Asked for a second time, it has none.
    pub fn requests<T: Message + Default + fmt::Debug>(&mut self) -> Incoming<T> {
        Incoming::new(self.source.take(), Arc::clone(&self.outbox))
    }

    /// Where the replies go.
    pub fn replies<T: Message + fmt::Debug>(&self) -> Replies<T> {
        Replies::new(Arc::clone(&self.outbox), self.sent.clone())
    }

    /// Both.
    pub fn split<T: Message + Default + fmt::Debug, R: Message + fmt::Debug>(
        &mut self,
    ) -> (Incoming<T>, Replies<R>) {
        (self.requests(), self.replies())
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

/// Turns the outcome of a handler that streams into that of its call.
///
/// # Errors
///
/// Fails with the handler's error.
pub fn finish<E: IntoFailure>(result: Result<(), E>) -> Result<(), Failure> {
    result.map_err(IntoFailure::into_failure)
}

/// The encoded requests of one call.
pub(super) struct Source {
    messages: Messages<Body>,
    hooks: Option<Hooks>,
}

impl Source {
    /// The next one, or `None` when the caller is done, which is more than that it went away.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        let read = ready!(self.messages.poll_next(cx)).map_err(broken)?;
        match (&read, &mut self.hooks) {
            (Some(message), Some(hooks)) => hooks.message(message)?,
            (None, _) if !self.messages.is_whole() => {
                return Poll::Ready(Err(Status::internal("the request ends within a message")));
            }
            _ => {}
        }
        Poll::Ready(Ok(read))
    }
}

/// What a request stream that broke means for the call.
fn broken(status: Status) -> Status {
    if status.source().is_some_and(|source| source.is::<WentAway>()) {
        return Status::cancelled("the caller went away");
    }
    status
}

/// The connection or the stream of a caller ended before its requests did.
#[derive(Debug)]
pub(super) struct WentAway;

impl fmt::Display for WentAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the caller went away")
    }
}

impl Error for WentAway {}
