//! The way to a server: one address, an app in a registry, or a service in this process.
//!
//! In: a call and its requests. Out: an HTTP response. All ways look the same from here on.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, Uri, Version};
use http_body_util::BodyExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service as _;

use super::endpoints::Endpoints;
use super::leash::leash;
use super::requests::{Refusal, Requests};
use super::response;
use crate::call::{Call, deadline, reserved};
use crate::interceptor::Hooks;
use crate::net::Peer;
use crate::server::Router;

/// How often a request that did not leave is given to another instance.
const ATTEMPTS: usize = 3;

/// The way to a server.
#[derive(Clone)]
pub(super) enum Transport {
    Address(Channel),
    App(Arc<Endpoints>),
    Local(Router),
}

impl Transport {
    /// Sends a call and waits for the head of its response.
    pub(super) async fn send(
        &self,
        call: &Call,
        requests: Requests,
        hooks: Option<Hooks>,
    ) -> Result<Response<Body>, Status> {
        let refusal = Refusal::default();
        let sent = match self {
            Self::Local(router) => {
                let head = request(call, &requests)?;
                let body = requests.into_body(hooks, &refusal, None);
                return Ok(router.call(head.map(|()| body), Peer::default()).await);
            }
            Self::Address(channel) => {
                let (leash, tether) = leash();
                let head = request(call, &requests)?;
                let body = requests.into_body(hooks, &refusal, Some(tether));
                through(channel.clone(), head.map(|()| body)).await.map(|response| holding(response, leash))
            }
            Self::App(endpoints) => instance(endpoints, call, requests, hooks, &refusal).await?,
        };
        sent.map_err(|error| refusal.take().unwrap_or_else(|| response::unsent(error, call)))
    }
}

/// Sends a call to one of an app's instances; to another one if it did not leave.
async fn instance(
    endpoints: &Endpoints,
    call: &Call,
    mut requests: Requests,
    hooks: Option<Hooks>,
    refusal: &Refusal,
) -> Result<Result<Response<Body>, tonic::transport::Error>, Status> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let picked = endpoints.pick(call.remaining()).await?;
        let again = requests.again().filter(|_| attempts < ATTEMPTS);
        let (leash, tether) = leash();
        let head = request(call, &requests)?;
        let body = requests.into_body(hooks.clone(), refusal, Some(tether));
        let sent = through(picked.channel(), head.map(|()| body)).await;
        match (sent, again) {
            // The instance is busy until the response is read or dropped.
            (Ok(response), _) => return Ok(Ok(holding(response, (picked, leash)))),
            (Err(error), again) => {
                let elsewhere = response::never_left(&error);
                if elsewhere {
                    picked.failed();
                }
                match again {
                    Some(same) if elsewhere => requests = same,
                    _ => return Ok(Err(error)),
                }
            }
        }
    }
}

/// A response that keeps `held` until its body is read or dropped.
fn holding(response: Response<Body>, held: impl Send + 'static) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &held;
            frame
        }))
    })
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(channel) => channel.fmt(f),
            Self::App(endpoints) => endpoints.fmt(f),
            Self::Local(router) => router.fmt(f),
        }
    }
}

async fn through(
    mut channel: Channel,
    request: Request<Body>,
) -> Result<Response<Body>, tonic::transport::Error> {
    poll_fn(|cx| channel.poll_ready(cx)).await?;
    channel.call(request).await
}

/// The head of a call's HTTP request.
fn request(call: &Call, requests: &Requests) -> Result<Request<()>, Status> {
    let mut headers = call.metadata().clone().into_headers();
    reserved::strip(&mut headers);
    set_timeout(call, &mut headers)?;
    requests.announce(&mut headers);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut request = Request::new(());
    *request.method_mut() = Verb::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = Uri::from(PathAndQuery::from_static(call.method().path));
    *request.headers_mut() = headers;
    Ok(request)
}

/// Tells the server what is left of the deadline now, after whatever waited before.
fn set_timeout(call: &Call, headers: &mut HeaderMap) -> Result<(), Status> {
    if call.is_over() {
        return Err(response::deadline_exceeded());
    }
    if let Some(left) = call.remaining() {
        headers.insert(deadline::GRPC_TIMEOUT, deadline::format(left));
    }
    Ok(())
}
