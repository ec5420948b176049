//! The request side of a call: one message, or a stream of them, as an HTTP body.
//!
//! In: typed messages. Out: frames, batched. Only the encoding knows the type.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::Full;
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use crate::codec::{self, ACCEPT_ENCODING, Accepted, BATCH, ENCODING, Encoding, Limit, PREFIX};
use crate::interceptor::Hooks;

/// What a call sends, encoded.
pub(super) enum Sending {
    One(Bytes),
    Many(Body),
}

impl Sending {
    pub(super) fn into_body(self) -> Body {
        match self {
            Self::One(framed) => Body::new(Full::new(framed)),
            Self::Many(body) => body,
        }
    }
}

/// What a call sends.
pub(super) struct Requests {
    messages: Messages,
    /// How they are compressed.
    encoding: Option<Encoding>,
    /// Counts what a stream sends, if anybody wants to know.
    moved: Option<Moved>,
}

/// Changes with every message of a stream.
pub(super) type Moved = Arc<AtomicU64>;

enum Messages {
    /// One message, framed. It can be sent again.
    One(Bytes),
    Many(Box<dyn Source>),
}

impl Requests {
    pub(super) fn one<T: Message>(message: &T, limit: Limit) -> Result<Self, Status> {
        let mut buffer = Vec::new();
        codec::frame(message, &mut buffer, limit)?;
        Ok(Self { messages: Messages::One(buffer.into()), encoding: None, moved: None })
    }

    pub(super) fn many<S>(stream: S, limit: Limit) -> Self
    where
        S: Stream<Item: Message> + Send + 'static,
    {
        let source = Box::new(Typed { stream: Box::pin(stream), limit });
        Self { messages: Messages::Many(source), encoding: None, moved: None }
    }

    /// Compresses what is sent. A single request is [seen](Self::payload) before.
    pub(super) fn compress(&mut self, encoding: Encoding) {
        self.encoding = Some(encoding);
        if let Messages::One(framed) = &mut self.messages {
            let mut buffer = Vec::from(std::mem::take(framed));
            codec::compress(&mut buffer, 0, encoding);
            *framed = buffer.into();
        }
    }

    /// Counts what a stream sends.
    pub(super) fn count(&mut self, moved: &Moved) {
        self.moved = Some(Arc::clone(moved));
    }

    /// How they are compressed.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// The message of a single request.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        match &self.messages {
            Messages::One(framed) => framed.get(PREFIX..),
            Messages::Many(_) => None,
        }
    }

    /// The same request again, if it can be sent again.
    pub(super) fn again(&self) -> Option<Self> {
        match &self.messages {
            Messages::One(framed) => {
                Some(Self { messages: Messages::One(framed.clone()), encoding: self.encoding, moved: None })
            }
            Messages::Many(_) => None,
        }
    }

    /// What goes out, and where it is left what `hooks` refuse of a stream.
    pub(super) fn into_sending(self, hooks: Option<Hooks>) -> (Sending, Refusal) {
        let (encoding, moved) = (self.encoding, self.moved);
        match self.messages {
            Messages::One(framed) => (Sending::One(framed), Refusal::default()),
            Messages::Many(source) => {
                let (source, refusal) = (Some(source), Refusal(Some(Arc::default())));
                let left = refusal.clone();
                let body = Outgoing { source, buffer: Vec::new(), hooks, encoding, moved, refusal };
                (Sending::Many(Body::new(body)), left)
            }
        }
    }
}

/// Says how the messages of a request are compressed, and what is read in return.
pub(super) fn announce(encoding: Option<Encoding>, headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, Accepted::ours());
    if let Some(encoding) = encoding {
        headers.insert(ENCODING, encoding.header());
    }
}

/// Why a request stream was broken off on this side. A transport would only say that it was.
#[derive(Clone, Default)]
pub(super) struct Refusal(Option<Arc<Mutex<Option<Status>>>>);

impl Refusal {
    pub(super) fn take(&self) -> Option<Status> {
        self.0.as_ref().and_then(|left| left.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    fn set(&self, status: Status) {
        if let Some(left) = &self.0 {
            *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        }
    }
}

/// A stream of messages that encodes them.
pub(super) trait Source: Send {
    /// Appends the next message to `buffer`; `None` at the end.
    fn poll_append(&mut self, buffer: &mut Vec<u8>, cx: &mut Context<'_>)
    -> Poll<Option<Result<(), Status>>>;
}

struct Typed<S> {
    stream: Pin<Box<S>>,
    limit: Limit,
}

impl<S: Stream<Item: Message> + Send> Source for Typed<S> {
    fn poll_append(
        &mut self,
        buffer: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(), Status>>> {
        let limit = self.limit;
        self.stream
            .as_mut()
            .poll_next(cx)
            .map(|next| next.map(|message| codec::frame(&message, buffer, limit)))
    }
}

/// The body of a request stream.
struct Outgoing {
    /// `None` once it ended.
    source: Option<Box<dyn Source>>,
    buffer: Vec<u8>,
    hooks: Option<Hooks>,
    encoding: Option<Encoding>,
    moved: Option<Moved>,
    refusal: Refusal,
}

impl Outgoing {
    /// Fills the buffer with what is ready. Ready when there is something to send or nothing more to come.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        while let Some(source) = &mut self.source {
            let start = self.buffer.len();
            if start >= BATCH {
                break;
            }
            match source.poll_append(&mut self.buffer, cx) {
                Poll::Ready(Some(appended)) => {
                    appended?;
                    if let Some(moved) = &self.moved {
                        moved.fetch_add(1, Relaxed);
                    }
                    if let (Some(hooks), Some(payload)) = (&mut self.hooks, self.buffer.get(start + PREFIX..))
                    {
                        hooks.message(payload)?;
                    }
                    if let Some(encoding) = self.encoding {
                        codec::compress(&mut self.buffer, start, encoding);
                    }
                }
                Poll::Ready(None) => self.source = None,
                Poll::Pending if start == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        this.poll_fill(cx).map(|filled| match filled {
            Ok(()) if this.buffer.is_empty() => None,
            Ok(()) => Some(Ok(Frame::data(std::mem::take(&mut this.buffer).into()))),
            Err(status) => {
                this.source = None;
                this.refusal.set(status.clone());
                Some(Err(status))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_none() && self.buffer.is_empty()
    }
}
