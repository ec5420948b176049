//! Connections: from a listener to the router.
//!
//! In: a bound listener, a signal to stop. Out: hyper's HTTP/2 connections, each a task. When the signal comes no more
//! connections are taken, the open ones are told (GOAWAY), finish their calls, and are dropped when the time is up.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::body::Body;

use super::exchange::WentAway;
use super::router::Router;
use crate::net::{Batched, Carried, Load};

/// Calls that one connection may carry at once; hyper's 200 is little for a fleet that shares connections.
const MAX_STREAMS: u32 = 1024;

/// A connection that is quiet for so long is asked whether it still is one.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Serves until `shutdown` is ready, then drains for at most `drain`. Returns how many connections had to be cut.
pub(super) async fn serve(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) -> usize {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, router.clone(), stopped.clone()));
                }
                Err(error) => wait_after(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
    let cut = if drained.is_ok() { 0 } else { connections.len() };
    connections.shutdown().await;
    cut
}

/// One connection that failed before it was taken is its own affair; too many open files get better with time.
async fn wait_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::warn!(%error, "cannot accept connections");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot turn off Nagle's algorithm");
    }
    let load = Load::default();
    let carried = load.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = router.call(request.map(|body| Body::new(RequestBody(body))), Some(peer));
        let call = carried.carry();
        async move { Ok::<_, Infallible>(answer.await.map(|body| ResponseBody { body, _call: call })) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(KEEP_ALIVE)
        .serve_connection(TokioIo::new(stream), service);
    // The one place where the future of a connection is in our hands.
    let mut connection = Batched::new(connection, load);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopping(&mut stopped) => {
            connection.inner().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

/// Ready when the server stops.
async fn stopping(stopped: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// A request body that tells "the caller is done" from "the caller is gone".
///
/// hyper ends a body that was reset with NO_ERROR like one that is complete, and tonic does the same with CANCEL. A
/// handler would then take half an upload for a whole one.
struct RequestBody(hyper::body::Incoming);

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
struct ResponseBody {
    body: Body,
    _call: Carried,
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
