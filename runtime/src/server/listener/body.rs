//! The bodies of requests and responses, between hyper and the router.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::stalled;
use crate::net::Carried;
use crate::server::exchange::WentAway;

/// A request body that tells "the caller is done" from "the caller is gone".
///
/// hyper ends a body that was reset with NO_ERROR like one that is complete, and tonic does the same with CANCEL. A
/// handler would then take half an upload for a whole one.
pub(super) struct RequestBody(pub(super) hyper::body::Incoming);

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = WentAway;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WentAway>>> {
        Pin::new(&mut self.0).poll_frame(cx).map(|polled| match polled {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                tracing::debug!(%error, "a request body broke");
                Some(Err(WentAway))
            }
            None if self.0.is_end_stream() => None,
            None => Some(Err(WentAway)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// A response body that its connection carries until it is sent, or dropped.
pub(super) struct ResponseBody {
    pub(super) body: Body,
    /// When the call is over.
    pub(super) deadline: Option<Instant>,
    pub(super) _call: Carried,
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        stalled::polled(self.deadline, matches!(&polled, Poll::Ready(Some(Ok(frame))) if frame.is_data()));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
