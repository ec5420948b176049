//! The requests of one call on their way into a stream.
//!
//! In: one message, or a body of them. Out: HTTP/2 data, as fast as the peer takes it. What was sent is kept for a while, so
//! that a call that the server refused unprocessed can be sent again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body as _;
use tokio::task::JoinHandle;
use tonic::body::Body;

use crate::client::requests::Sending;

/// What is kept of a stream of requests until the head of the response comes.
const KEPT: usize = 64 << 10;

/// The requests of one call.
pub(in crate::client) enum Upload {
    One(Bytes),
    Many(Box<Pump>),
}

/// A stream of requests.
pub(in crate::client) struct Pump {
    body: Body,
    /// Nothing more comes from the body.
    ended: bool,
    /// What came from it and was not let go; those before `next` were sent.
    chunks: VecDeque<Bytes>,
    next: usize,
    /// Together, of what was sent.
    kept: usize,
    /// Whether `chunks` has all that was sent.
    whole: bool,
}

impl Upload {
    pub(in crate::client) fn new(sending: Sending) -> Self {
        match sending {
            Sending::One(framed) => Self::One(framed),
            Sending::Many(body) => Self::Many(Box::new(Pump {
                body,
                ended: false,
                chunks: VecDeque::new(),
                next: 0,
                kept: 0,
                whole: true,
            })),
        }
    }

    /// Sends what can be sent; ready when nothing is left to do. Why a stream broke is the business of its response.
    pub(super) fn poll_send(&mut self, stream: &mut SendStream<Bytes>, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::One(framed) => {
                // The message is in memory anyway: the connection may have all of it.
                let _ = stream.send_data(framed.clone(), true);
                Poll::Ready(())
            }
            Self::Many(pump) => pump.poll_send(stream, cx).map(|_| ()),
        }
    }

    /// Prepares to send everything again; `false` when not all of it is there any more.
    pub(super) fn rewind(&mut self) -> bool {
        match self {
            Self::One(_) => true,
            Self::Many(pump) => {
                (pump.next, pump.kept) = (0, 0);
                pump.whole
            }
        }
    }

    /// Goes on in a task of its own: requests do not wait for somebody to read replies.
    pub(super) fn go_on(self, mut stream: SendStream<Bytes>) -> Option<JoinHandle<()>> {
        match self {
            Self::One(_) => None,
            Self::Many(mut pump) => {
                pump.forget();
                Some(tokio::spawn(async move {
                    let _ = poll_fn(|cx| pump.poll_send(&mut stream, cx)).await;
                }))
            }
        }
    }
}

/// The stream takes no more.
struct Closed;

impl From<h2::Error> for Closed {
    fn from(_: h2::Error) -> Self {
        Self
    }
}

impl Pump {
    fn poll_send(
        &mut self,
        stream: &mut SendStream<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        loop {
            if stream.poll_reset(cx)?.is_ready() {
                return Poll::Ready(Err(Closed));
            }
            if let Some(chunk) = self.chunks.get(self.next) {
                ready!(poll_room(stream, cx))?;
                let is_last = self.ended && self.next + 1 == self.chunks.len();
                stream.send_data(chunk.clone(), is_last)?;
                self.sent();
                if is_last {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if self.ended {
                stream.send_data(Bytes::new(), true)?;
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.ended = true,
                Some(Ok(frame)) => {
                    self.chunks.extend(frame.into_data().ok());
                    self.ended = self.body.is_end_stream();
                }
                // Broken off on this side, for good.
                Some(Err(_)) => {
                    self.whole = false;
                    stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(Closed));
                }
            }
        }
    }

    fn sent(&mut self) {
        self.kept += self.chunks.get(self.next).map_or(0, Bytes::len);
        self.next += 1;
        if !self.whole || self.kept > KEPT {
            self.forget();
        }
    }

    /// Lets go of what was sent.
    fn forget(&mut self) {
        self.chunks.drain(..self.next);
        self.next = 0;
        self.whole = false;
    }
}

/// Ready when the peer, and the connection, have room for more of this stream. It is asked for when there is something to
/// send, and for one byte: room that is reserved is taken from other streams.
fn poll_room(stream: &mut SendStream<Bytes>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
    if stream.capacity() == 0 {
        stream.reserve_capacity(1);
    }
    while stream.capacity() == 0 {
        match ready!(stream.poll_capacity(cx)) {
            Some(room) => room?,
            None => return Poll::Ready(Err(Closed)),
        };
    }
    Poll::Ready(Ok(()))
}
