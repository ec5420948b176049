//! The response side of a call: what came over HTTP, as gRPC means it.
//!
//! In: an HTTP response, or the error of a transport. Out: a stream of encoded messages, or the status that the caller
//! gets. Peers of every kind answer here, so that nothing that a peer may send can panic.

use std::borrow::Cow;
use std::error::Error;
use std::future::poll_fn;
use std::iter;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::call::Call;
use crate::codec::{Encoding, Limit, Messages};

/// The messages of a response, or the status that came instead of them.
pub(super) fn open(response: Response<Body>, call: &Call, limit: Limit) -> Result<Incoming, Status> {
    let (mut head, body) = response.into_parts();
    repair(&mut head.headers);
    if let Some(status) = Status::from_header_map(&head.headers) {
        // A response of one block has no headers: what it says is said at the end.
        note(call, HeaderMap::new(), Some(head.headers));
        return match status.code() {
            Code::Ok => Ok(Incoming::new(body, None, limit, call, true)),
            _ => Err(late(status, call)),
        };
    }
    let encoding = encoding(&head.headers, head.status);
    note(call, head.headers, None);
    Ok(Incoming::new(body, encoding?, limit, call, false))
}

/// Keeps what came beside the messages, if there is anybody to read it: who cares has touched the reply before.
fn note(call: &Call, headers: HeaderMap, trailers: Option<HeaderMap>) {
    if let Some(reply) = call.touched_reply() {
        reply.set_headers(MetadataMap::from_headers(headers));
        reply.set_trailers(MetadataMap::from_headers(trailers.unwrap_or_default()));
    }
}

/// How the messages of a response are compressed, if it is one of gRPC.
fn encoding(headers: &HeaderMap, http: StatusCode) -> Result<Option<Encoding>, Status> {
    let kind = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    if !kind.starts_with(b"application/grpc") {
        return Err(no_grpc(http));
    }
    Encoding::of(headers).map_err(|unknown| {
        Status::internal(format!("the reply is compressed with {unknown:?}, which was not offered"))
    })
}

/// The encoded replies of one call, and then its status.
pub(super) struct Incoming {
    messages: Messages<Body>,
    call: Call,
    /// The status came.
    settled: bool,
}

impl Incoming {
    fn new(body: Body, encoding: Option<Encoding>, limit: Limit, call: &Call, settled: bool) -> Self {
        Self { messages: Messages::new(body, encoding, limit), call: call.clone(), settled }
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
                self.settled = true;
                Poll::Ready(Err(broken(status, &self.call)))
            }
        }
    }

    /// How the call ended, by what came behind the last message.
    fn settle(&mut self) -> Result<(), Status> {
        if std::mem::replace(&mut self.settled, true) {
            return Ok(());
        }
        let mut trailers = self.messages.take_trailers().unwrap_or_default();
        repair(&mut trailers);
        let ended = outcome(&trailers);
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

/// What trailers say. Most say that all is well, and that needs no [`Status`], which is a copy of them.
fn outcome(trailers: &HeaderMap) -> Result<(), Status> {
    if trailers.get(Status::GRPC_STATUS).is_some_and(|status| status == "0") {
        return Ok(());
    }
    match Status::from_header_map(trailers) {
        Some(status) if status.code() == Code::Ok => Ok(()),
        Some(status) => Err(status),
        None => Err(Status::unknown("the reply ended without a status")),
    }
}

/// What an answer of something that is no gRPC server means, by the specification's table.
fn no_grpc(http: StatusCode) -> Status {
    let code = match http {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("HTTP status {} and no gRPC status", http.as_u16()))
}

/// Makes status headers readable: tonic panics over details that are no base64, and loses the code when the message
/// is no UTF-8, as Dubbo for Java sends it.
fn repair(headers: &mut HeaderMap) {
    const DETAILS: &str = "grpc-status-details-bin";
    const MESSAGE: &str = "grpc-message";
    if let Some(details) = headers.remove(DETAILS) {
        let mut map = HeaderMap::with_capacity(1);
        map.insert(DETAILS, details.clone());
        let readable =
            MetadataMap::from_headers(map).get_bin(DETAILS).is_some_and(|value| value.to_bytes().is_ok());
        if readable {
            headers.insert(DETAILS, details);
        } else {
            tracing::debug!("the details of a status are no base64 and were left out");
        }
    }
    if let Some(message) = headers.get(MESSAGE) {
        let decoded = percent_decoded(message.as_bytes());
        if let Cow::Owned(text) = String::from_utf8_lossy(&decoded) {
            let mut encoded = HeaderMap::with_capacity(3);
            let value =
                Status::unknown(text).add_header(&mut encoded).ok().and_then(|()| encoded.remove(MESSAGE));
            headers.insert(MESSAGE, value.unwrap_or(HeaderValue::from_static("")));
        }
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let pair = digit(after.first()).zip(digit(after.get(1)));
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_any_peer_is_readable() {
        let mut headers = HeaderMap::new();
        headers.insert(Status::GRPC_STATUS, HeaderValue::from_static("5"));
        headers.insert("grpc-status-details-bin", HeaderValue::from_static("!!"));
        headers.insert("grpc-message", HeaderValue::from_bytes(b"caf\xe9 100%25").unwrap());
        repair(&mut headers);
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!((status.code(), status.message()), (Code::NotFound, "caf\u{fffd} 100%"));
        assert!(status.details().is_empty());
    }

    #[test]
    fn a_readable_status_stays_as_it_is() {
        let mut headers = HeaderMap::new();
        let sent =
            Status::with_details(Code::Aborted, "100% \u{e9}", Bytes::from_static(b"\x01\x02\x03\x04"));
        sent.add_header(&mut headers).unwrap();
        let before = headers.clone();
        repair(&mut headers);
        assert_eq!(headers, before);
    }
}
