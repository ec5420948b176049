//! A body as the messages in it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use sync_wrapper::SyncWrapper;
use tonic::Status;

use super::read::Frames;
use super::{Encoding, Limit};

/// The messages of one side of a call, and what came behind them.
#[derive(Debug)]
pub(crate) struct Messages<B> {
    /// `None` once it ended or broke. Only ever reached by who owns it, so that a body need not be `Sync`.
    body: Option<SyncWrapper<B>>,
    frames: Frames,
    trailers: Option<HeaderMap>,
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Messages<B> {
    pub(crate) fn new(body: B, encoding: Option<Encoding>, limit: Limit) -> Self {
        Self { body: Some(SyncWrapper::new(body)), frames: Frames::new(encoding, limit), trailers: None }
    }

    /// The next message; `None` at the end of the body, also if that comes in the middle of a message.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        let polled = self.poll(cx);
        if !matches!(polled, Poll::Pending | Poll::Ready(Ok(Some(_)))) {
            self.body = None;
        }
        polled
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        while let Some(body) = &mut self.body {
            if let Some(message) = self.frames.next()? {
                return Poll::Ready(Ok(Some(message)));
            }
            let Some(frame) = ready!(Pin::new(body.get_mut()).poll_frame(cx)?) else {
                break;
            };
            match frame.into_data() {
                Ok(piece) => self.frames.push(piece),
                Err(frame) => {
                    // Nothing comes behind them.
                    self.trailers = frame.into_trailers().ok();
                    break;
                }
            }
        }
        Poll::Ready(Ok(None))
    }

    /// What came behind the last message, once the end was seen.
    pub(crate) fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }

    /// Whether the last message was complete, once the end was seen.
    pub(crate) fn is_whole(&self) -> bool {
        self.frames.is_between()
    }
}
