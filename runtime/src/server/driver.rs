//! A call as a future and a body.
//!
//! In: the boxed call (interceptors and handler). Out: an HTTP response whose body polls the call. There is no task and
//! no channel: whoever polls the response runs the handler, and whoever drops it drops the handler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use super::guard::Ticket;
use super::outbox::Outbox;
use crate::call::{Call, ReplyMetadata, percent_encoded, reserved};
use crate::codec::ENCODING;
use crate::error::wire;

/// How long a stream of replies stays quiet before its headers go without a message.
const GRACE: Duration = Duration::from_millis(100);

/// What Dubbo 3 for Java says in every request, and nobody else does.
const JAVA_CALLER: &str = "tri-consumer-appname";

/// How the `user-agent` of Kitex begins: `kitex/v0.16.3`.
const KITEX: &[u8] = b"kitex/";

pub(super) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// A running call.
pub(crate) struct Driver {
    /// `None` once it ended; then `outcome` is there until it is sent.
    run: Option<BoxFuture<'static, Result<(), Status>>>,
    outcome: Result<(), Status>,
    outbox: Arc<Outbox>,
    ticket: Ticket,
}

impl Driver {
    pub(super) fn new(
        run: BoxFuture<'static, Result<(), Status>>,
        outbox: Arc<Outbox>,
        ticket: Ticket,
    ) -> Self {
        Self { run: Some(run), outcome: Ok(()), outbox, ticket }
    }

    fn call(&self) -> &Call {
        self.ticket.call()
    }

    /// Runs the handler as far as it goes; ready when the call ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(run) = &mut self.run else {
            return Poll::Ready(());
        };
        let polled = {
            let _entered = self.ticket.span().map(Span::enter);
            run.as_mut().poll(cx)
        };
        self.outcome = match (self.outbox.take_failure(), polled) {
            (Some(status), _) => Err(status),
            (None, Poll::Ready(outcome)) => outcome,
            (None, Poll::Pending) => return Poll::Pending,
        };
        self.run = None;
        let (code, message) =
            self.outcome.as_ref().err().map_or((Code::Ok, ""), |status| (status.code(), status.message()));
        self.ticket.leave(code, message, self.outbox.is_upstream());
        Poll::Ready(())
    }

    fn is_kitex(&self) -> bool {
        let agent = self.call().metadata().as_ref().get(USER_AGENT);
        agent.is_some_and(|agent| agent.as_bytes().starts_with(KITEX))
    }

    fn headers(&self) -> HeaderMap {
        let said = self.call().touched_reply().map(|reply| reply.take_headers());
        let mut headers = said.unwrap_or_else(|| HeaderMap::with_capacity(2));
        headers.insert(CONTENT_TYPE, GRPC);
        if let Some(encoding) = self.outbox.encoding() {
            headers.insert(ENCODING, encoding.header());
        }
        headers
    }

    fn trailers(&mut self) -> HeaderMap {
        let said = self.call().touched_reply().map(|reply| reply.take_trailers());
        let mut trailers = said.unwrap_or_else(|| HeaderMap::with_capacity(1));
        let Err(mut status) = std::mem::replace(&mut self.outcome, Ok(())) else {
            trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
            return trailers;
        };
        if !status.metadata().is_empty() {
            // A status that was taken over from another call carries the headers of that one's response.
            reserved::strip(status.metadata_mut().as_mut());
        }
        let is_java = self.call().metadata().contains_key(JAVA_CALLER);
        if is_java {
            status = wire::for_java(status);
        }
        if let Err(unsendable) = status.add_header(&mut trailers) {
            // Only a message or a detail that is no header value gets here; the code is what matters.
            trailers.insert(Status::GRPC_STATUS, HeaderValue::from(unsendable.code() as i32));
        }
        if is_java && let Ok(text) = HeaderValue::try_from(percent_encoded(status.message())) {
            // It takes a `+` for a space.
            trailers.insert(Status::GRPC_MESSAGE, text);
        }
        if self.is_kitex() {
            trailers.extend(wire::for_kitex(&status).into_iter().flatten());
        }
        trailers
    }
}

/// The response to one call, to come.
pub(crate) enum Answer {
    /// Known without running anything.
    Refused(Option<Response<Body>>),
    /// The call runs until headers are due; the timer is there once a stream of replies was quiet.
    Running(Option<Driver>, Option<Pin<Box<Sleep>>>),
}

impl Answer {
    pub(super) fn refused(status: Status) -> Self {
        Self::Refused(Some(status.into_http()))
    }

    pub(super) fn running(driver: Driver) -> Self {
        Self::Running(Some(driver), None)
    }

    /// When the call is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Running(Some(driver), _) => driver.call().deadline(),
            _ => None,
        }
    }
}

impl Future for Answer {
    type Output = Response<Body>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        match self.get_mut() {
            Self::Refused(response) => response.take().map_or(Poll::Pending, Poll::Ready),
            Self::Running(slot, grace) => {
                let Some(mut driver) = slot.take() else {
                    return Poll::Pending;
                };
                let ended = driver.poll(cx).is_ready();
                let many = driver.call().method().kind.streams_replies();
                if ended && driver.outcome.is_err() && !(many && driver.outbox.is_open()) {
                    // One reply that was written before the call failed is not sent.
                    driver.outbox.clear();
                    if !driver.call().touched_reply().is_some_and(ReplyMetadata::has_headers) {
                        let mut headers = driver.trailers();
                        headers.insert(CONTENT_TYPE, GRPC);
                        return Poll::Ready(response(headers, Body::empty()));
                    }
                }
                if ended || many && (driver.outbox.is_open() || quiet(grace, cx)) {
                    let headers = driver.headers();
                    return Poll::Ready(response(headers, Body::new(DrivenBody { driver, done: false })));
                }
                *slot = Some(driver);
                Poll::Pending
            }
        }
    }
}

/// Whether nothing was said for so long that headers go alone.
fn quiet(grace: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    grace.get_or_insert_with(|| Box::pin(sleep(GRACE))).as_mut().poll(cx).is_ready()
}

fn response(headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// The body of a response: batches as the handler writes them, then trailers.
struct DrivenBody {
    driver: Driver,
    done: bool,
}

impl http_body::Body for DrivenBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { driver, done } = self.get_mut();
        if *done {
            return Poll::Ready(None);
        }
        let ended = driver.poll(cx).is_ready();
        if let Some(batch) = driver.outbox.take() {
            return Poll::Ready(Some(Ok(Frame::data(batch))));
        }
        if !ended {
            return Poll::Pending;
        }
        *done = true;
        Poll::Ready(Some(Ok(Frame::trailers(driver.trailers()))))
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}
