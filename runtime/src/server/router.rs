//! From a path to a handler.
//!
//! In: an HTTP request, from a connection or from a client in the same process. Out: the [`Answer`] that runs it. The
//! map is made once, when a server starts; it has every path under which a method may be called, and all of them lead to
//! one [`Guard`], so that policies and numbers are the method's.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode};
use tokio::time::{sleep_until, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

use super::bound::BoundService;
use super::driver::{Answer, Driver};
use super::exchange::Exchange;
use super::guard::Guard;
use super::outbox::{Outbox, Sending};
use super::patience::Patience;
use super::stats::Stats;
use crate::call::{Call, deadline, now};
use crate::codec::{self, ACCEPT_ENCODING, Accepted, Encoding, Limit, Side};
use crate::descriptor::{Kind, Method, Service};
use crate::interceptor::Interceptors;
use crate::net::Peer;
use crate::payload::said;
use crate::policy::{Policies, Policy, Said, UnknownTarget, bound};

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
    /// How many calls may run at once, of all methods together; 0 sets no limit.
    pub(crate) in_flight: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let (message, reply) = (codec::MAX_MESSAGE, codec::MAX_MESSAGE);
        Self { unary: Some(Duration::from_secs(60)), message, reply, encoding: None, in_flight: 0 }
    }
}

/// The routers that a server was made into, for a configuration that changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configured(Arc<Mutex<Vec<Router>>>);

impl Configured {
    pub(super) fn add(&self, router: &Router) {
        self.routers().push(router.clone());
    }

    /// Whether all that a configuration speaks of is served.
    pub(crate) fn check(&self, configuration: &Policies) -> Result<(), UnknownTarget> {
        self.routers().iter().try_for_each(|router| router.check(configuration))
    }

    /// Lets what the configuration says now hold from the next call on.
    pub(crate) fn set(&self, configuration: &Policies) {
        self.routers().iter().for_each(|router| router.configure(configuration));
    }

    /// What holds for a method now, by its path; nothing, if it is not served.
    pub(crate) fn policy(&self, path: &str) -> Option<Policy> {
        self.routers().iter().find_map(|router| router.0.paths.get(path).map(|guard| guard.policy()))
    }

    fn routers(&self) -> MutexGuard<'_, Vec<Router>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every method of a server by its path; clones share it.
#[derive(Clone)]
pub(crate) struct Router(Arc<Routes>);

struct Routes {
    paths: HashMap<Cow<'static, str>, Arc<Guard>>,
    /// One for each method.
    guards: Vec<Arc<Guard>>,
    limits: Limits,
    said: Mutex<Said>,
}

impl Router {
    /// Routes to each method of `services`, with `interceptors` around all. Of two services with one name the later counts.
    pub(crate) fn new(
        services: Vec<BoundService>,
        interceptors: &Interceptors,
        limits: Limits,
        said: Said,
        stats: &Stats,
    ) -> Self {
        let guard = |service: &BoundService, method| {
            let policy = policy_of(&said, service.service(), method);
            Arc::new(Guard::new(service.clone(), method, interceptors, policy, stats.clone()))
        };
        let guards = services.iter().flat_map(|service| {
            let guard = &guard;
            service.service().methods.iter().map(move |method| guard(service, method))
        });
        let guards: Vec<_> = guards.collect();
        let paths = paths(&guards);
        Self(Arc::new(Routes { paths, guards, limits, said: Mutex::new(said) }))
    }

    fn check(&self, configuration: &Policies) -> Result<(), UnknownTarget> {
        let said = Said { configuration: configuration.clone(), program: Policies::new() };
        known(&said, self.0.guards.iter().map(|guard| guard.service()))
    }

    fn configure(&self, configuration: &Policies) {
        let mut said = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        configuration.clone_into(&mut said.configuration);
        for guard in &self.0.guards {
            guard.set_policy(policy_of(&said, guard.service(), guard.method()));
        }
    }

    /// Begins the answer to one request.
    pub(crate) fn call(&self, request: Request<Body>, peer: Peer) -> Answer {
        let (head, body) = request.into_parts();
        if let Some(refusal) = not_grpc(&head.method, &head.headers) {
            return Answer::Refused(Some(refusal));
        }
        let Some(guard) = self.0.paths.get(head.uri.path()) else {
            return Answer::refused(Status::unimplemented(format!("no such method: {}", head.uri.path())));
        };
        if let Err(elsewhere) = guard.serves(&head.headers) {
            return Answer::refused(elsewhere);
        }
        let encoding = match Encoding::of(&head.headers) {
            Ok(encoding) => encoding,
            Err(unknown) => return Answer::refused(not_understood(unknown)),
        };
        let limits = self.0.limits;
        let policy = guard.policy();
        let sending = Sending {
            limit: Limit::new(Side::ServerSends, policy.max_reply_bytes, limits.reply),
            encoding: policy.compress.unwrap_or(limits.encoding),
            accepted: Accepted::of(&head.headers),
        };
        let deadline = deadline(guard.method(), &policy, &head.headers, limits.unary);
        let call = Call::with(guard.method(), MetadataMap::from_headers(head.headers), peer, deadline);
        let ticket = guard.enter(call, &policy);
        let call = ticket.call().clone();
        let outbox = Arc::new(Outbox::new(call.clone(), sending));
        let request = Limit::new(Side::ServerReads, policy.max_request_bytes, limits.message);
        let io = Exchange::new(body, encoding, request, Arc::clone(&outbox));
        let patience = Patience::of(guard.method(), &policy);
        let run: BoxFuture<'static, _> = match ticket.admit(&policy, limits.in_flight) {
            Ok(()) => Box::pin(run(Arc::clone(guard), call, io, Arc::clone(&outbox), patience)),
            Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
        };
        Answer::running(Driver::new(run, outbox, ticket))
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("methods", &self.0.guards.len()).finish_non_exhaustive()
    }
}

/// Every path under which a method may be called: by the name of its service or by its Java interface, and as a method of
/// Java, `sayHello`. A name as the IDL spells it comes first: no other spelling hides it.
fn paths(guards: &[Arc<Guard>]) -> HashMap<Cow<'static, str>, Arc<Guard>> {
    let own = |guard: &Arc<Guard>| (Cow::Borrowed(guard.method().path), Arc::clone(guard));
    let mut paths: HashMap<_, _> = guards.iter().map(own).collect();
    for spell in [str::to_owned, recased] {
        for guard in guards {
            let (service, method) = (guard.service(), guard.method());
            for prefix in [method.service(), service.java] {
                let path = format!("/{prefix}/{}", spell(method.name()));
                paths.entry(path.into()).or_insert_with(|| Arc::clone(guard));
            }
        }
    }
    paths
}

/// The name with its first letter in the other case.
fn recased(name: &str) -> String {
    let mut recased = name.to_owned();
    if let Some(first) = recased.get_mut(..1) {
        if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            first.make_ascii_lowercase();
        } else {
            first.make_ascii_uppercase();
        }
    }
    recased
}

/// Whether all that is said is said of services that there are.
pub(super) fn known(
    said: &Said,
    services: impl Iterator<Item = &'static Service> + Clone,
) -> Result<(), UnknownTarget> {
    let is_known = |name: &str| {
        let is_method = |method: &Method| method.path.strip_prefix('/') == Some(name);
        services.clone().any(|service| service.name == name || service.methods.iter().any(is_method))
    };
    said.unknown(is_known).map_or(Ok(()), Err)
}

/// What holds for a method. The protocols that every server has are not meant when somebody speaks of everything: a
/// probe is nobody who can say who it is.
fn policy_of(said: &Said, service: &Service, method: &Method) -> Policy {
    let is_own = !service.name.starts_with("grpc.");
    said.resolve(method.path, &service.policy, &method.policy, is_own)
}

/// The whole call: the deadline and the panic guard outside of interceptors and handler.
async fn run(
    guard: Arc<Guard>,
    call: Call,
    io: Exchange,
    outbox: Arc<Outbox>,
    patience: Option<Patience>,
) -> Result<(), Status> {
    let deadline = call.deadline();
    if call.is_over() {
        return Err(deadline_exceeded());
    }
    // In its place: what is around it borrows it, for it is large and would be moved.
    let guarded = pin!(AssertUnwindSafe(guard.answer(call, io, &outbox)).catch_unwind());
    let ended = match (deadline, patience) {
        (None, None) => guarded.await,
        (Some(deadline), None) => {
            timeout_at(deadline.into(), guarded).await.map_err(|_| deadline_exceeded())?
        }
        (deadline, Some(patience)) => {
            let late = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                ended = guarded => ended,
                () = late => return Err(deadline_exceeded()),
                quiet = patience.lost(&outbox) => return Err(quiet),
            }
        }
    };
    ended.unwrap_or_else(|panic| {
        guard.panicked();
        tracing::error!(method = guard.method().path, panic = said(panic.as_ref()), "the handler panicked");
        Err(Status::internal("the handler panicked"))
    })
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the call was done")
}

/// Streams have the caller's deadline only; a call with one of each has the nearest of all.
fn deadline(
    method: &Method,
    policy: &Policy,
    headers: &HeaderMap,
    maximum: Option<Duration>,
) -> Option<Instant> {
    let caller = headers.get(deadline::GRPC_TIMEOUT).and_then(deadline::parse);
    let left = match method.kind {
        Kind::Unary => [caller, bound(policy.timeout), maximum].into_iter().flatten().min(),
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
