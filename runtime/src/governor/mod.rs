//! The port for operators: pages over HTTP/1.1.
//!
//! In: a listener, a table of [`Pages`]. Out: answers, bounded in size, number and time. Never: what a page says; that is
//! the app's.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

mod pages;

pub(crate) use pages::{Answer, Pages, Question};

/// Connections at once. Operators and scrapers are few.
const CONNECTIONS: usize = 64;
/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// The largest body of a request, in bytes.
const BODY: usize = 16 * 1024;
/// The time that the head of a request may take, and its body, and a connection between two requests.
const PATIENCE: Duration = Duration::from_secs(5);
/// The age at which a connection is asked to end, and how long it may then take.
const AGE: Duration = Duration::from_secs(60);
/// The time that requests may take to end when the app ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// A governor that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Governor {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Governor {
    /// Listens at `address` and answers with `pages`.
    pub(crate) async fn start(address: &str, pages: Pages) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, Arc::new(pages), stopped));
        Ok(Self { address, stop, serving })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it after the requests that it is answering, or soon.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.serving.await {
            tracing::warn!(%error, "the governor broke");
        }
    }
}

async fn serve(listener: TcpListener, pages: Arc<Pages>, stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = stopped.clone();
    loop {
        tokio::select! {
            () = stopping(&mut stop) => break,
            (permit, accepted) = accept(&listener, &room) => match accepted {
                Ok(stream) => {
                    let connection = connection(stream, Arc::clone(&pages), stopped.clone());
                    connections.spawn(async move {
                        let _permit = permit;
                        connection.await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the governor cannot accept connections");
                    sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // Whoever is slower is cut off with the set.
    let _ = timeout(FAREWELL, ended).await;
}

/// Takes a connection as soon as there is room for it; the others wait in the queue of the system.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (Option<tokio::sync::OwnedSemaphorePermit>, io::Result<TcpStream>) {
    // Nobody closes the semaphore.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    (permit, listener.accept().await.map(|(stream, _)| stream))
}

async fn connection(stream: TcpStream, pages: Arc<Pages>, mut stopped: watch::Receiver<bool>) {
    let is_private = stream.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
    let service = service_fn(move |request: Request<Incoming>| {
        let pages = Arc::clone(&pages);
        async move {
            let answered = match is_private && !is_local(request.headers()) {
                true => {
                    written(Answer::text(StatusCode::MISDIRECTED_REQUEST, "ask `localhost`, or an address"))
                }
                false => answer(request, &pages).await,
            };
            Ok::<_, Infallible>(answered)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What an operator's connection fails of is seen at the operator's.
        _ = connection.as_mut() => return,
        () = stopping(&mut stopped) => {}
        () = sleep(AGE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(AGE, connection).await;
}

/// Ready when the app ends.
async fn stopping(stopped: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Whether whoever asks means this machine. The page of a stranger can make a browser that runs here ask under a name of
/// its own that leads here (DNS rebinding), but under no address and no `localhost`.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

async fn answer(request: Request<Incoming>, pages: &Pages) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let verb = if head.method == Verb::HEAD { &Verb::GET } else { &head.method };
    let Some(handler) = pages.find(verb, head.uri.path()) else {
        return unanswerable(pages, head.uri.path());
    };
    let body = match timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let text = format!("a body has at most {BODY} bytes");
            return written(Answer::text(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        Ok(Err(_)) => return written(Answer::text(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => return written(Answer::text(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    };
    written(handler(Question { query: head.uri.query().unwrap_or_default().to_owned(), body }).await)
}

fn unanswerable(pages: &Pages, path: &str) -> Response<Full<Bytes>> {
    let verbs = pages.verbs(path);
    if verbs.is_empty() {
        return written(Answer::text(StatusCode::NOT_FOUND, "no such page; `/` lists those that there are"));
    }
    let verbs = verbs.join(", ");
    let text = format!("this page takes {verbs}");
    let mut response = written(Answer::text(StatusCode::METHOD_NOT_ALLOWED, text));
    if let Ok(verbs) = HeaderValue::try_from(verbs) {
        response.headers_mut().insert(ALLOW, verbs);
    }
    response
}

fn written(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
