//! A caller that is only HTTP/2: it says what it is told to say, and nothing is repaired on its way.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::Status;

use super::{Order, Running};

pub struct Raw {
    pub send: SendRequest<Full<Bytes>>,
    pub connection: tokio::task::JoinHandle<()>,
}

/// All of a response.
pub struct Whole {
    pub http: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Raw {
    pub async fn connect(running: &Running) -> Self {
        Self::over(TcpStream::connect(running.address).await.unwrap()).await
    }

    /// Over whatever carries bytes.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (send, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async move { drop(connection.await) });
        Self { send, connection }
    }

    pub fn request(path: &str, body: Bytes, headers: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
        let mut request = Request::post(format!("http://shop{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(body))
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Whole {
        let response = self.send.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let collected = tokio::time::timeout(Duration::from_secs(10), body.collect()).await.unwrap().unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Whole { http: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
    }

    pub async fn unary(
        &mut self,
        path: &str,
        message: impl Message,
        headers: &[(&'static str, &str)],
    ) -> Result<Order, Status> {
        let whole = self.send(Self::request(path, framed(&message), headers)).await;
        assert_eq!(whole.http, StatusCode::OK);
        let status =
            Status::from_header_map(&whole.trailers).or_else(|| Status::from_header_map(&whole.headers));
        match status.expect("a status came") {
            ok if ok.code() == tonic::Code::Ok => Ok(Order::decode(&whole.body[5..]).unwrap()),
            status => Err(status),
        }
    }
}

pub fn framed(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let mut framed = vec![0];
    framed.extend(u32::try_from(encoded.len()).unwrap().to_be_bytes());
    framed.extend(encoded);
    Bytes::from(framed)
}
