//! From a path to a handler.
//!
//! In: an HTTP request, from a connection or from a client in the same process. Out: the [`Answer`] that runs it. The
//! map is made once, when a server starts.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

use super::bound::BoundService;
use super::driver::{Answer, Driver};
use super::exchange::Exchange;
use super::outbox::{Outbox, Sending};
use super::stats::Stats;
use crate::call::{Call, deadline, now};
use crate::codec::{self, ACCEPT_ENCODING, Accepted, Encoding, Limit, Side};
use crate::descriptor::{Kind, Method};
use crate::interceptor::Interceptors;
use crate::net::Peer;

/// The bounds of every call of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The longest that a unary call may take.
    pub(crate) unary: Option<Duration>,
    /// The largest request that is read, in bytes.
    pub(crate) message: usize,
    /// The largest reply that is sent, in bytes.
    pub(crate) reply: usize,
    /// How replies are compressed, if nobody says otherwise.
    pub(crate) encoding: Option<Encoding>,
}

impl Default for Limits {
    fn default() -> Self {
        let (message, reply) = (codec::MAX_MESSAGE, codec::MAX_MESSAGE);
        Self { unary: Some(Duration::from_secs(60)), message, reply, encoding: None }
    }
}

/// Every method of a server by its path; clones share it.
#[derive(Clone)]
pub(crate) struct Router(Arc<Routes>);

struct Routes {
    paths: HashMap<&'static str, Route>,
    limits: Limits,
    stats: Stats,
}

struct Route {
    service: BoundService,
    method: &'static Method,
}

impl Router {
    /// Routes to each method of `services`, with `interceptors` around all. Of two services with one name the later counts.
    pub(crate) fn new(
        services: Vec<BoundService>,
        interceptors: &Interceptors,
        limits: Limits,
        stats: Stats,
    ) -> Self {
        let services = services.into_iter().map(|service| service.within(interceptors));
        let routes = services.flat_map(|service| {
            let methods = service.service().methods.iter();
            methods.map(move |method| (method.path, Route { service: service.clone(), method }))
        });
        Self(Arc::new(Routes { paths: routes.collect(), limits, stats }))
    }

    /// Begins the answer to one request.
    pub(crate) fn call(&self, request: Request<Body>, peer: Peer) -> Answer {
        let (head, body) = request.into_parts();
        if let Some(refusal) = not_grpc(&head.method, &head.headers) {
            return Answer::Refused(Some(refusal));
        }
        let Some(Route { service, method }) = self.0.paths.get(head.uri.path()) else {
            return Answer::refused(Status::unimplemented(format!("no such method: {}", head.uri.path())));
        };
        let encoding = match Encoding::of(&head.headers) {
            Ok(encoding) => encoding,
            Err(unknown) => return Answer::refused(not_understood(unknown)),
        };
        let limits = self.0.limits;
        let sending = Sending {
            limit: Limit::new(Side::ServerSends, limits.reply),
            encoding: limits.encoding,
            accepted: Accepted::of(&head.headers),
        };
        let deadline = deadline(method, &head.headers, limits.unary);
        let call = Call::with(method, MetadataMap::from_headers(head.headers), peer, deadline);
        let outbox = Arc::new(Outbox::new(call.clone(), sending));
        let io = Exchange::new(body, encoding, limits.message, Arc::clone(&outbox));
        let run = run(service.clone(), call.clone(), io, Arc::clone(&outbox));
        Answer::running(Driver::new(Box::pin(run), outbox, call, self.0.stats.enter()))
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("methods", &self.0.paths.len()).finish_non_exhaustive()
    }
}

/// The whole call: the deadline and the panic guard outside of interceptors and handler.
async fn run(service: BoundService, call: Call, io: Exchange, outbox: Arc<Outbox>) -> Result<(), Status> {
    let (method, deadline) = (call.method(), call.deadline());
    if call.is_over() {
        return Err(deadline_exceeded());
    }
    let guarded = AssertUnwindSafe(service.answer(call, io, &outbox)).catch_unwind();
    let ended = match deadline {
        Some(deadline) => {
            timeout_at(Instant::from_std(deadline), guarded).await.map_err(|_| deadline_exceeded())?
        }
        None => guarded.await,
    };
    ended.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no text");
        tracing::error!(method = method.path, panic = text, "the handler panicked");
        Err(Status::internal("the handler panicked"))
    })
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the call was done")
}

/// Streams have the caller's deadline only; a call with one of each has the nearest of all.
fn deadline(method: &Method, headers: &HeaderMap, maximum: Option<Duration>) -> Option<std::time::Instant> {
    let caller = headers.get(deadline::GRPC_TIMEOUT).and_then(deadline::parse);
    let left = match method.kind {
        Kind::Unary => [caller, method.timeout, maximum].into_iter().flatten().min(),
        _ => caller,
    };
    // A time that the clock cannot hold is no bound.
    left.and_then(|left| now().checked_add(left))
}

/// What HTTP has to say to requests that are no gRPC.
fn not_grpc(verb: &Verb, headers: &HeaderMap) -> Option<Response<Body>> {
    let refuse = |status| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    };
    let grpc = headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    match grpc {
        Some(b"" | b"+proto" | [b';', ..] | [b'+', b'p', b'r', b'o', b't', b'o', b';', ..]) => {}
        _ => return Some(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
    if verb != Verb::POST {
        let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    None
}

/// Says what is understood to a caller that compresses in another way.
fn not_understood(encoding: &HeaderValue) -> Status {
    let name = String::from_utf8_lossy(encoding.as_bytes());
    let mut status = Status::unimplemented(format!("requests compressed with `{name}` are not supported"));
    status.metadata_mut().as_mut().insert(ACCEPT_ENCODING, Accepted::ours());
    status
}
