//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::body::Body;

use super::body::{RequestBody, ResponseBody};
use super::stalled::Executor;
use crate::chance;
use crate::net::{Acceptor, Batched, ConnectionSection, Greeted, Load, Peer, Plain, Stream, greeted};
use crate::server::router::Router;

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) settings: ConnectionSection,
    pub(super) tls: Option<Acceptor>,
}

/// Serves the calls of one connection until its client goes away, or the server stops, or it is too old.
pub(super) async fn serve(shared: Arc<Shared>, stream: Plain, peer: Peer, stopped: watch::Receiver<bool>) {
    let ended = match timeout(shared.settings.handshake_timeout(), greet(&shared, stream, peer.clone())).await
    {
        Ok(Ok((stream, peer))) => calls(&shared, stream, peer, stopped).await,
        Ok(Err(error)) => Err(Box::from(error)),
        Err(_) => Err(Box::from("the client did not say in time that it speaks HTTP/2")),
    };
    if let Err(error) = ended {
        tracing::debug!(?peer, error, "a connection ended with an error");
    }
}

async fn greet(shared: &Shared, stream: Plain, mut peer: Peer) -> io::Result<(Greeted<Stream>, Peer)> {
    stream.tune(&shared.settings)?;
    let stream = match &shared.tls {
        Some(tls) => {
            let (stream, certificate) = tls.accept(stream).await?;
            peer.certificate = certificate;
            stream
        }
        None => Stream::Plain(stream),
    };
    Ok((greeted(stream, shared.settings.max_header_bytes as usize).await?, peer))
}

async fn calls(
    shared: &Shared,
    stream: Greeted<Stream>,
    peer: Peer,
    stopped: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (router, load) = (shared.router.clone(), Load::default());
    let carried = load.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = router.call(request.map(|body| Body::new(RequestBody(body))), peer.clone());
        let (deadline, call) = (answer.deadline(), carried.carry());
        async move { Ok::<_, Infallible>(answer.await.map(|body| ResponseBody { body, deadline, _call: call })) }
    });
    let settings = &shared.settings;
    let connection = http2::Builder::new(Executor)
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(settings.max_streams)
        .keep_alive_interval(settings.keepalive_interval())
        .keep_alive_timeout(settings.keepalive_timeout())
        .initial_stream_window_size(settings.stream_window_bytes)
        .initial_connection_window_size(settings.connection_window_bytes)
        .max_send_buf_size(settings.send_buffer_bytes as usize)
        .max_header_list_size(settings.max_header_bytes)
        .serve_connection(TokioIo::new(stream), service);
    // The one place where the future of a connection is in our hands.
    let mut connection = Batched::new(connection, load);
    let grace = tokio::select! {
        ended = &mut connection => return Ok(ended?),
        grace = ending(settings, stopped) => grace,
    };
    connection.inner().graceful_shutdown();
    match grace {
        Some(grace) => {
            timeout(grace, connection).await.map_err(|_| "too old, and its calls did not end")??
        }
        None => connection.await?,
    }
    Ok(())
}

/// Ready when the client is to be told to go; gives the time that its calls have.
async fn ending(settings: &ConnectionSection, mut stopped: watch::Receiver<bool>) -> Option<Duration> {
    let old = async {
        match settings.max_age(chance::draw()) {
            Some(age) => sleep(age).await,
            None => pending().await,
        }
    };
    tokio::select! {
        // A sender that is gone has stopped, too. How long calls may take then is the listener's affair.
        _ = stopped.wait_for(|stopped| *stopped) => None,
        () = old => settings.max_age_grace(),
    }
}
