//! One HTTP/2 connection.
//!
//! In: a stream of bytes that is open. Out: requests, each a stream of the connection, until it closes or the server says
//! that it takes no more of them. The task of a connection outlives the call that asked for it; it ends with the last
//! stream after everything that could start another one is gone.

use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, Connection as Driver, ResponseFuture, SendRequest};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::abort::AbortOnDrop;
use super::keep_alive::KeepAlive;
use super::socket::{Socket, Written};
use crate::net::{Batched, Carried, Load};

/// What a peer may send before it is read: of one stream, and of all.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 5 << 20;

/// What is kept of a stream of requests before the connection takes it.
const SEND_BUFFER: usize = 1 << 20;

/// The headers of one response, or its trailers.
const MAX_HEADERS: u32 = 64 << 10;

/// A connection; clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    written: Written,
    load: Load,
}

/// A request whose head is on its way.
pub(super) struct Started {
    pub(super) response: ResponseFuture,
    pub(super) body: SendStream<Bytes>,
    pub(super) mark: Mark,
    pub(super) carried: Carried,
}

/// What had been written when a request began.
pub(super) struct Mark {
    written: Written,
    before: u64,
}

impl Mark {
    /// Whether nothing was written since, so that nothing of the request was.
    pub(super) fn is_untouched(&self) -> bool {
        self.written.get() == self.before
    }
}

impl Connection {
    /// Speaks HTTP/2 on `stream`, and waits for the server's first words.
    ///
    /// A server that accepts and is silent is no server: calls would wait for it until their deadlines.
    pub(super) async fn open<S>(stream: S, keep_alive: KeepAlive) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (written, load) = (Written::default(), Load::default());
        let (heard, first_words) = oneshot::channel();
        let (requests, driver) = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .max_send_buffer_size(SEND_BUFFER)
            // A limit for servers: calls that are given up are frequent, and the peer is one that we chose.
            .max_local_error_reset_streams(None)
            .enable_push(false)
            .handshake(Socket::new(stream, written.clone(), heard))
            .await
            .map_err(io::Error::other)?;
        let mut driven = AbortOnDrop::new(drive(driver, keep_alive, load.clone()));
        if first_words.await.is_err() {
            let ended = driven.ended().await.and_then(Result::err);
            return Err(ended.map_or_else(closed_in_silence, io::Error::other));
        }
        driven.keep();
        Ok(Self { requests, written, load })
    }

    /// Whether it takes new requests.
    pub(super) fn is_open(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        matches!(self.requests.poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }

    /// Begins a request. When the server takes no more streams for now, it waits in the connection.
    pub(super) fn start(mut self, head: Request<()>) -> Result<Started, h2::Error> {
        let mark = Mark { before: self.written.get(), written: self.written };
        let carried = self.load.carry();
        let (response, body) = self.requests.send_request(head, false)?;
        Ok(Started { response, body, mark, carried })
    }
}

fn closed_in_silence() -> io::Error {
    let text = "the connection was closed before the server said anything";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// Starts the task of a connection.
fn drive<S>(
    mut driver: Driver<Socket<S>, Bytes>,
    keep_alive: KeepAlive,
    load: Load,
) -> JoinHandle<Result<(), h2::Error>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pings = driver.ping_pong();
    let connection = Batched::new(driver, load.clone());
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = connection => ended,
            () = keep_alive.lost(pings, load) => Err(h2::Error::from(h2::Reason::SETTINGS_TIMEOUT)),
        };
        if let Err(error) = &ended {
            tracing::debug!(%error, "a connection ended with an error");
        }
        ended
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::sync::oneshot::Sender;
    use tokio::time::{sleep, timeout};

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A connection whose server answers to nothing any more once the sender is dropped, and stays.
    async fn connected(while_idle: bool) -> (Connection, Sender<()>) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (frozen, freeze) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut server = h2::server::handshake(far).await.unwrap();
            let mut calls = Vec::new();
            let serving = async {
                while let Some(Ok(call)) = server.accept().await {
                    calls.push(call);
                }
            };
            tokio::select! {
                () = serving => {}
                _ = freeze => pending().await,
            }
        });
        let keep_alive = KeepAlive { interval: Some(ms(20)), patience: ms(200), while_idle };
        (Connection::open(near, keep_alive).await.unwrap(), frozen)
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_noticed() {
        let (mut connection, frozen) = connected(true).await;
        let before = connection.written.get();
        sleep(ms(400)).await;
        assert!(connection.is_open() && connection.written.get() > before, "it is asked, and answers");
        drop(frozen);
        let noticed = async {
            while connection.is_open() {
                sleep(ms(5)).await;
            }
        };
        timeout(ms(5_000), noticed).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_is_asked_while_no_call_runs_unless_told_to() {
        let (mut connection, frozen) = connected(false).await;
        sleep(ms(100)).await;
        let before = connection.written.get();
        drop(frozen);
        sleep(ms(400)).await;
        assert!(connection.is_open() && connection.written.get() == before);

        let head = Request::post("http://shop/a.B/C").body(()).unwrap();
        let started = connection.clone().start(head).unwrap();
        let error = timeout(ms(5_000), started.response).await.unwrap().unwrap_err();
        assert!(error.is_io() && !started.mark.is_untouched(), "{error}");
        assert!(!connection.is_open());
    }
}
