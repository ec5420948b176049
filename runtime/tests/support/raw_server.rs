//! A server that is only HTTP/2: it says what it is told to say.

use std::convert::Infallible;

use http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
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
