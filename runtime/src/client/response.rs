//! The response side of a call: what came over HTTP, as gRPC means it.
//!
//! In: an HTTP response, or the error of a transport. Out: a stream of encoded messages, or the status that the caller
//! gets. Peers of every kind answer here, so that nothing that a peer may send can panic.

use std::error::Error;
use std::future::poll_fn;
use std::iter;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::status::Sender;
use crate::call::Call;
use crate::codec::{Encoding, Limit, Messages};

/// The messages of a response, or the status that came instead of them.
pub(super) fn open(response: Response<Body>, call: &Call, limit: Limit) -> Result<Incoming, Status> {
    let (head, body) = response.into_parts();
    let sender = Sender::of(head.status, &head.headers);
    if let Some(outcome) = sender.outcome(&head.headers) {
        // A response of one block has no headers: what it says is said at the end.
        note(call, HeaderMap::new(), Some(head.headers));
        outcome.map_err(|status| late(status, call))?;
        return Ok(Incoming::new(body, None, limit, call, None));
    }
    let encoding = encoding(&head.headers, sender);
    note(call, head.headers, None);
    Ok(Incoming::new(body, encoding?, limit, call, Some(sender)))
}

/// Keeps what came beside the messages, if there is anybody to read it: who cares has touched the reply before.
fn note(call: &Call, headers: HeaderMap, trailers: Option<HeaderMap>) {
    if let Some(reply) = call.touched_reply() {
        reply.set_headers(MetadataMap::from_headers(headers));
        reply.set_trailers(MetadataMap::from_headers(trailers.unwrap_or_default()));
    }
}

/// How the messages of a response are compressed, if it is one of gRPC.
fn encoding(headers: &HeaderMap, sender: Sender) -> Result<Option<Encoding>, Status> {
    let kind = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    if !kind.starts_with(b"application/grpc") {
        return Err(sender.no_status());
    }
    Encoding::of(headers).map_err(|unknown| {
        Status::internal(format!("the reply is compressed with {unknown:?}, which was not offered"))
    })
}

/// The encoded replies of one call, and then its status.
pub(super) struct Incoming {
    messages: Messages<Body>,
    call: Call,
    /// Who has yet to say how the call ended; `None` once that is said.
    sender: Option<Sender>,
}

impl Incoming {
    fn new(
        body: Body,
        encoding: Option<Encoding>,
        limit: Limit,
        call: &Call,
        sender: Option<Sender>,
    ) -> Self {
        Self { messages: Messages::new(body, encoding, limit), call: call.clone(), sender }
    }

    /// The next message; `None` when the call ended well.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        match ready!(self.messages.poll_next(cx)) {
            Ok(None) => Poll::Ready(self.settle().map(|()| None)),
            Ok(message) => Poll::Ready(Ok(message)),
            Err(status) => {
                self.sender = None;
                Poll::Ready(Err(broken(status, &self.call)))
            }
        }
    }

    /// How the call ended, by what came behind the last message.
    fn settle(&mut self) -> Result<(), Status> {
        let Some(sender) = self.sender.take() else {
            return Ok(());
        };
        let trailers = self.messages.take_trailers().unwrap_or_default();
        let ended = sender.outcome(&trailers).unwrap_or_else(|| Err(sender.no_status()));
        if let Some(reply) = self.call.touched_reply() {
            reply.set_trailers(MetadataMap::from_headers(trailers));
        }
        match ended {
            Err(status) => Err(late(status, &self.call)),
            Ok(()) if self.messages.is_whole() => Ok(()),
            Ok(()) => Err(Status::internal("the reply ends within a message")),
        }
    }
}

/// The status of a call that no server looked at.
pub(super) fn unsent(why: impl Into<String>) -> Status {
    let mut status = Status::unavailable(why);
    status.set_source(Arc::new(NeverSent));
    status
}

/// Whether a call failed before any server looked at it, so that sending it again repeats nothing.
pub(super) fn never_sent(status: &Status) -> bool {
    status.source().is_some_and(|source| source.is::<NeverSent>())
}

/// Marks the status of a call that no server looked at. Statuses that come from a peer have no source.
#[derive(Debug, thiserror::Error)]
#[error("no server looked at the request")]
struct NeverSent;

/// The status of a call whose stream broke before a response came.
pub(super) fn broken_off(error: h2::Error, call: &Call) -> Status {
    let text = error.to_string();
    lost(Status::from_error(Box::new(error)), &text, call)
}

/// The status of a response that broke, or the one that came.
pub(super) fn broken(status: Status, call: &Call) -> Status {
    let Some(source) = status.source() else {
        // It says what is wrong with the messages.
        return late(status, call);
    };
    let text = causes(source).last().map(ToString::to_string).unwrap_or_default();
    lost(status, &text, call)
}

/// A connection that is gone is UNAVAILABLE, whatever the layers above made of it.
fn lost(status: Status, text: &str, call: &Call) -> Status {
    match status.code() {
        Code::Cancelled if is_late(call) => deadline_exceeded(),
        Code::Unknown => Status::unavailable(format!("the connection was lost: {text}")),
        _ => status,
    }
}

/// How much earlier than here a deadline may pass over there: the header is rounded down, and so are timers.
const SLACK: Duration = Duration::from_millis(5);

fn is_late(call: &Call) -> bool {
    call.remaining().is_some_and(|left| left <= SLACK)
}

/// A caller that cancelled would not be here to read it: CANCELLED at the deadline is what tonic's servers and some
/// resets make of a deadline.
fn late(status: Status, call: &Call) -> Status {
    if status.code() == Code::Cancelled && is_late(call) { deadline_exceeded() } else { status }
}

/// The status of a call whose time ran out on this side.
pub(super) fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the reply was complete")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let cause = |error: &&'a (dyn Error + 'static)| (*error).source();
    iter::successors(Some(error), cause)
}
