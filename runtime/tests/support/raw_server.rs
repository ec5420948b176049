//! A server that is only HTTP/2: it says what it is told to say.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::body::Body;

/// Answers every request with a gRPC status.
pub async fn answering(listener: TcpListener, status: &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper::service::service_fn(move |_| async move {
            let response = Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", status)
                .body(Body::empty())
                .unwrap();
            Ok::<_, Infallible>(response)
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

/// Answers every request with `NOT_FOUND`, and tells its path and its headers. Returns where it listens.
pub async fn telling() -> (SocketAddr, UnboundedReceiver<(String, HeaderMap)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let (head, _) = request.into_parts();
                    let _ = tell.send((head.uri.path().to_owned(), head.headers));
                    let mut response = Response::new(());
                    *response.headers_mut() =
                        headers(&[("content-type", b"application/grpc"), ("grpc-status", b"5")]);
                    let _ = respond.send_response(response, true);
                }
            });
        }
    });
    (address, told)
}

/// What [`scripted`] answers, header for header: nothing is added, and nothing is left out.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub http: u16,
    pub head: HeaderMap,
    pub body: Vec<Bytes>,
    /// `None`: the answer ends with what is before.
    pub trailers: Option<HeaderMap>,
}

impl Script {
    pub fn new(http: u16, head: &[(&'static str, &[u8])]) -> Self {
        Self { http, head: headers(head), ..Self::default() }
    }

    pub fn then(mut self, body: &[Bytes], trailers: &[(&'static str, &[u8])]) -> Self {
        self.body = body.to_vec();
        self.trailers = Some(headers(trailers));
        self
    }
}

pub fn headers(entries: &[(&'static str, &[u8])]) -> HeaderMap {
    let entry = |(name, value): &(&'static str, &[u8])| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    };
    entries.iter().map(entry).collect()
}

/// Answers every request with `script`, by frames: other servers do not let one break the rules. Returns where it listens.
pub async fn scripted(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, script.clone()));
        }
    });
    address
}

async fn connection(stream: TcpStream, script: Script) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_request, mut respond))) = connection.accept().await {
        let mut response = Response::new(());
        *response.status_mut() = script.http.try_into().unwrap();
        *response.headers_mut() = script.head.clone();
        let ends = script.body.is_empty() && script.trailers.is_none();
        let Ok(mut send) = respond.send_response(response, ends) else { continue };
        for part in &script.body {
            let _ = send.send_data(part.clone(), false);
        }
        if let Some(trailers) = &script.trailers {
            let _ = send.send_trailers(trailers.clone());
        }
    }
}
