//! The server on tonic with the layers that people add: spans, metrics, panics, timeout, a line of log.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};
use tonic::transport::Server;
use tower::{Layer, Service};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use super::{log, tonics};
use crate::idl::tonics::bench_service_server::BenchServiceServer;

pub(super) async fn serve(address: SocketAddr, logged: bool) -> anyhow::Result<()> {
    let level = if logged { Level::INFO } else { Level::TRACE };
    log::theirs("tower_http")?;
    let trace = TraceLayer::new_for_grpc()
        .make_span_with(DefaultMakeSpan::new().level(Level::DEBUG))
        .on_request(())
        .on_body_chunk(())
        .on_eos(())
        .on_response(DefaultOnResponse::new().level(level));
    Server::builder()
        .timeout(Duration::from_secs(60))
        .layer(trace)
        .layer(Metrics::new()?)
        .layer(CatchPanicLayer::new())
        .add_service(BenchServiceServer::new(tonics::Service))
        .serve(address)
        .await?;
    Ok(())
}

/// Counts and measures calls by their path, as the middle of what is published does: when the head of a response is there.
#[derive(Clone, Debug)]
struct Metrics {
    calls: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    fn new() -> prometheus::Result<Self> {
        let calls = IntCounterVec::new(Opts::new("calls_total", "Calls."), &["method", "code"])?;
        let seconds = HistogramVec::new(HistogramOpts::new("call_seconds", "Time."), &["method"])?;
        prometheus::register(Box::new(calls.clone()))?;
        prometheus::register(Box::new(seconds.clone()))?;
        Ok(Self { calls, seconds })
    }
}

impl<S> Layer<S> for Metrics {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner, metrics: self.clone() }
    }
}

#[derive(Clone, Debug)]
struct Measured<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, B, R> Service<Request<B>> for Measured<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    R: 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Metrics { calls, seconds } = self.metrics.clone();
        let path = request.uri().path().to_owned();
        let start = Instant::now();
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await;
            let code = response.as_ref().map_or("error", |response| status(response));
            calls.with_label_values(&[path.as_str(), code]).inc();
            seconds.with_label_values(&[path.as_str()]).observe(start.elapsed().as_secs_f64());
            response
        })
    }
}

/// The code that a response has in its head, where only failures have one.
fn status<R>(response: &Response<R>) -> &str {
    response.headers().get("grpc-status").and_then(|value| value.to_str().ok()).unwrap_or("0")
}
