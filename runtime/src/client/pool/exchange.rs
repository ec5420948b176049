//! One request and its response on one connection.
//!
//! In: the head of a request, what it uploads. Out: a response whose body tells its endpoint how the call ended. Dropping
//! either resets the stream, and drops the source of the requests.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use tonic::body::Body;
use tonic::{Code, Status};

use super::abort::AbortOnDrop;
use super::connection::{Connection, Mark};
use super::ticket::Ticket;
use super::upload::Upload;
use crate::net::Carried;

/// Why there is no response.
pub(super) struct Failed {
    pub(super) error: h2::Error,
    /// Whether the server cannot have looked at the request.
    pub(super) is_unprocessed: bool,
}

/// Sends a request and waits for the head of its response. What is left of `upload` goes on after that.
pub(super) async fn exchange(
    connection: Connection,
    head: Request<()>,
    upload: &mut Option<Upload>,
    mut ticket: Ticket,
) -> Result<Response<Body>, Failed> {
    // A connection that takes no request has not sent it.
    let started = connection.start(head);
    let started = started
        .map_err(|error| Failed { is_unprocessed: error.reason().is_some() || error.is_io(), error })?;
    let (mut response, mut stream, mark) = (started.response, started.body, started.mark);
    ticket.begin();
    let mut uploading = true;
    let responded = poll_fn(|cx| {
        if uploading && let Some(upload) = upload {
            uploading = upload.poll_send(&mut stream, cx).is_pending();
        }
        Pin::new(&mut response).poll(cx)
    });
    let (head, body) = match responded.await {
        Ok(response) => response.into_parts(),
        Err(error) => {
            let is_unprocessed = is_unprocessed(&error, &mark);
            ticket.failed(is_unprocessed);
            return Err(Failed { error, is_unprocessed });
        }
    };
    ticket.answered(code(head.status, &head.headers));
    let rest = upload.take().filter(|_| uploading).and_then(|upload| upload.go_on(stream));
    let replies = Replies {
        stream: body,
        is_over: false,
        ticket,
        _requests: rest.map(AbortOnDrop::new),
        _carried: started.carried,
    };
    Ok(Response::from_parts(head, Body::new(replies)))
}

/// Whether the server says, or it is certain, that nobody looked at a request. A server that leaves (GOAWAY) names the
/// last stream that it looks at, and h2 tells only the later ones.
fn is_unprocessed(error: &h2::Error, mark: &Mark) -> bool {
    let is_refused =
        error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
    is_refused || mark.is_untouched()
}

/// What the head of a response, or its trailers, say of the call. Only what a backend cannot help is of interest here.
fn code(http: StatusCode, headers: &HeaderMap) -> Option<Code> {
    match headers.get(Status::GRPC_STATUS) {
        Some(status) => Some(Code::from_bytes(status.as_bytes())),
        None if http.is_success() => None,
        None => Some(match http {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Code::Unavailable
            }
            _ => Code::Unknown,
        }),
    }
}

/// The body of a response.
struct Replies {
    stream: RecvStream,
    is_over: bool,
    ticket: Ticket,
    /// Still going out.
    _requests: Option<AbortOnDrop<()>>,
    _carried: Carried,
}

impl Replies {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match self.stream.poll_data(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                // It fails for more than came, which this is not.
                let _ = self.stream.flow_control().release_capacity(bytes.len());
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => {}
            Poll::Pending => return Poll::Pending,
        }
        self.stream.poll_trailers(cx).map(|trailers| match trailers {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            // Nothing more comes, and nothing is wrong; hyper reads it like this, too.
            Err(error) if error.reason() == Some(Reason::NO_ERROR) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl http_body::Body for Replies {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let polled = this.poll(cx);
        match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                None => return polled,
                Some(trailers) => this.ticket.answered(code(StatusCode::OK, trailers)),
            },
            Poll::Ready(Some(Err(_))) => this.ticket.failed(false),
            Poll::Ready(None) => {}
        }
        this.is_over = true;
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.stream.is_end_stream()
    }
}
