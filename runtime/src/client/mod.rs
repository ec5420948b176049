//! The client side: from a typed request to a typed reply.
//!
//! In: a method, requests, options. Out: replies, or a [`CallError`]. What a call inherits is decided here, once: its
//! deadline, its metadata. Never: retries, breakers; they will be interceptors of their own.

use std::fmt::{self, Display};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use http::HeaderValue;
use prost::Message;
use tokio::runtime::Handle;
use tokio::time::timeout_at;
use tonic::{Code, Status};
use tracing::Instrument as _;

mod address;
mod balancing;
mod begin;
mod breaker;
mod found;
mod guards;
mod manner;
mod names;
pub(crate) mod pool;
mod reply_stream;
mod requests;
mod response;
mod retry;
mod status;
mod target;
mod transport;
mod way;

use address::Address;
pub use address::ConnectError;
use balancing::Balancing;
pub(crate) use balancing::Said as BalancingSaid;
pub use balancing::{Balancer, BalancingSection, Nearness};
use found::Asked;
pub(crate) use guards::Configured;
use guards::{Guard, Guards};
pub use pool::{EndpointState, endpoints};
use pool::{Pool, Settings};
use reply_stream::RawReplies;
pub use reply_stream::ReplyStream;
use requests::Requests;
pub use target::Target;
use transport::Transport;
use way::{Got, Way};

use crate::call::{Call, CallOptions};
use crate::codec::{self, Limit, MAX_MESSAGE, Side};
use crate::descriptor::{Method, Service};
use crate::error::{CallError, DomainError, known};
use crate::interceptor::{Chains, Interceptor, Next, Reply};
use crate::net::{ClientConnectionSection, ClientTlsSection};
use crate::observe::Observed;
use crate::policy::{Policies, UnknownTarget};
use crate::registry::{Lookup, Registry, RegistrySection};
use crate::server::{self, BoundService};

/// What generated clients are made of. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Client {
    service: &'static Service,
    transport: Transport,
    guards: Arc<Guards>,
    interceptors: Chains,
    options: Option<Arc<CallOptions>>,
    parent: Option<Call>,
    /// The name of the app that calls.
    caller: Option<HeaderValue>,
    asked: Asked,
    /// Where its instances are told, which is open as long as it is held.
    _registry: Option<Arc<dyn Registry>>,
}

impl Client {
    /// A client of the service at one address: `http://127.0.0.1:9000`, the same without the scheme, with `https`, or
    /// `unix:/path`; or several of them, `static://10.1.0.7:9000,10.1.0.8:9000`; or of what a registry tells,
    /// `etcd://10.1.0.7:2379/shop.order.orders`. A [`Target`] says more than that. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// Fails when the target is no address, when its certificates cannot be read, and outside of a tokio runtime.
    pub fn connect<E: DomainError>(
        service: &'static Service,
        target: impl Into<Target>,
    ) -> Result<Self, ConnectError> {
        Self::connect_within::<E>(service, target.into(), &[])
    }

    /// The same, where some registries are configured: a target in one of them need not say where it is.
    pub(crate) fn connect_within<E: DomainError>(
        service: &'static Service,
        target: Target,
        configured: &[&RegistrySection],
    ) -> Result<Self, ConnectError> {
        known::register::<E>();
        Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        if Lookup::is_meant(&target.text) {
            return Self::look_up(service, &target, configured);
        }
        let Target { text, connection, tls, group, version, balancing } = target;
        let asked = Asked::of(&group.unwrap_or_default(), &version.unwrap_or_default());
        let addresses = Address::read_all(&text, tls.is_some())?;
        let tls = addresses.iter().any(Address::is_tls).then(|| tls.unwrap_or_default());
        let settings = settings(&text, &connection, tls.as_ref(), &balancing)?;
        let client = Self::new(service, &text, Transport::Remote(Pool::of_addresses(addresses, settings)));
        Ok(Self { asked, ..client })
    }

    /// A client of an implementation in this process, through the same stack without the network.
    ///
    /// The handler runs while the reply is waited for, or read.
    pub fn local(service: impl Into<BoundService>) -> Self {
        let bound = service.into();
        Self::new(bound.service(), "local", Transport::Local(server::local(bound)))
    }

    fn new(service: &'static Service, target: &str, transport: Transport) -> Self {
        let guards = Arc::new(Guards::new(service, target));
        let interceptors = Chains::default();
        let (options, parent, caller, asked, _registry) = Default::default();
        Self { service, transport, guards, interceptors, options, parent, caller, asked, _registry }
    }

    /// Makes it a client of an app: it says so, and the app's configuration holds for its calls.
    ///
    /// # Errors
    ///
    /// Fails when the configuration speaks of a method that the service does not have.
    pub(crate) fn of_app(mut self, name: &str, configured: &Configured) -> Result<Self, ConnectError> {
        configured.add(&self.guards)?;
        self.caller = HeaderValue::try_from(name).ok().filter(|name| !name.is_empty());
        Ok(self)
    }

    /// Says what holds for its calls and those of its clones, where it differs from what the IDL says.
    ///
    /// # Errors
    ///
    /// Fails when a policy is for a method that the service does not have.
    pub fn policies(self, policies: Policies) -> Result<Self, UnknownTarget> {
        self.guards.say(|said| policies.clone_into(&mut said.program))?;
        Ok(self)
    }

    /// Says how its calls choose among instances, where there are several, and no configuration says it of the service. The
    /// client has connections of its own from here on.
    ///
    /// # Errors
    ///
    /// Fails when what is said cannot be meant, and outside of a tokio runtime.
    pub fn balancing(self, balancing: BalancingSection) -> Result<Self, ConnectError> {
        Ok(Self { transport: self.transport.balanced(&balancing)?, ..self })
    }

    /// Adds an interceptor around this client's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor, self.service);
        self
    }

    /// The same client with options for its calls, added to those it has.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        let options = match &self.options {
            Some(earlier) => earlier.and(options),
            None => options,
        };
        Self { options: Some(Arc::new(options)), ..self.clone() }
    }

    /// The same client, calling on behalf of `call` instead of the current one.
    #[must_use]
    pub fn under(&self, call: &Call) -> Self {
        Self { parent: Some(call.clone()), ..self.clone() }
    }

    /// Calls a unary method.
    ///
    /// # Errors
    ///
    /// Fails as the call does.
    pub async fn unary<T, R, E>(&self, method: &'static Method, request: T) -> Result<R, CallError<E>>
    where
        T: Message,
        R: Message + Default,
        E: DomainError,
    {
        let requests = Requests::one(&request, self.limits(method).0);
        drop(request);
        reply(self.one(method, requests).await)
    }

    /// Calls a method that streams its replies.
    ///
    /// # Errors
    ///
    /// Fails when the call does before its headers came; later errors are the stream's.
    pub async fn server_stream<T, R, E>(
        &self,
        method: &'static Method,
        request: T,
    ) -> Result<ReplyStream<R, E>, CallError<E>>
    where
        T: Message,
        R: Message + Default,
        E: DomainError,
    {
        let requests = Requests::one(&request, self.limits(method).0);
        drop(request);
        self.many(method, requests).await.map(ReplyStream::new).map_err(CallError::from_status)
    }

    /// Calls a method that streams its requests.
    ///
    /// # Errors
    ///
    /// Fails as the call does.
    pub async fn client_stream<S, R, E>(
        &self,
        method: &'static Method,
        requests: S,
    ) -> Result<R, CallError<E>>
    where
        S: Stream<Item: Message> + Send + 'static,
        R: Message + Default,
        E: DomainError,
    {
        reply(self.one(method, Ok(Requests::many(requests, self.limits(method).0))).await)
    }

    /// Calls a method that streams both.
    ///
    /// # Errors
    ///
    /// Fails when the call does before its headers came; later errors are the stream's.
    pub async fn bidi<S, R, E>(
        &self,
        method: &'static Method,
        requests: S,
    ) -> Result<ReplyStream<R, E>, CallError<E>>
    where
        S: Stream<Item: Message> + Send + 'static,
        R: Message + Default,
        E: DomainError,
    {
        let raw = self.many(method, Ok(Requests::many(requests, self.limits(method).0))).await;
        raw.map(ReplyStream::new).map_err(CallError::from_status)
    }

    fn one(
        &self,
        method: &'static Method,
        requests: Result<Requests, Status>,
    ) -> BoxFuture<'_, Result<Bytes, Status>> {
        Box::pin(async move {
            match self.run(method, requests?).await? {
                (_, Got::Message(message)) => Ok(message),
                (_, Got::Stream(..)) => Err(Status::internal("the method has one reply and gave a stream")),
            }
        })
    }

    fn many(
        &self,
        method: &'static Method,
        requests: Result<Requests, Status>,
    ) -> BoxFuture<'_, Result<RawReplies, Status>> {
        Box::pin(async move {
            Ok(match self.run(method, requests?).await? {
                (observed, Got::Message(message)) => RawReplies::answered(observed, message),
                (observed, Got::Stream(stream)) => RawReplies::open(observed, stream),
            })
        })
    }

    /// Runs one call, with its interceptors, until there is something to give to the caller.
    async fn run(&self, method: &'static Method, requests: Requests) -> Result<(Observed, Got), Status> {
        let Some(guard) = self.guards.of(method) else {
            return Err(Status::unimplemented(method.path));
        };
        let policy = guard.policy();
        let (mut call, span) = self.begin(method, &policy);
        let mut observed = guard.observe(call.clone(), &policy, span);
        let deadline = call.deadline();
        let mut way = Way::new(self, guard, policy, requests);
        let interceptors = self.interceptors.of(method);
        let ended = {
            // In its place: what is around it borrows it, for it is large and would be moved into each of them.
            let going = pin!(async {
                if interceptors.is_empty() {
                    way.go(&call).await
                } else {
                    Next::new(interceptors, &mut way).run(&mut call).await.map(|Reply(())| ())
                }
            });
            match observed.span() {
                Some(span) => by(deadline, going.instrument(span.clone())).await,
                None => by(deadline, going).await,
            }
        };
        let got = ended.and_then(|()| {
            way.got
                .take()
                .ok_or_else(|| Status::internal("an interceptor returned the reply of another call"))
        });
        match got {
            Ok(got) => {
                if let Got::Message(_) = &got {
                    observed.end(Code::Ok, "");
                }
                Ok((observed, got))
            }
            Err(status) => {
                observed.end(status.code(), status.message());
                Err(status)
            }
        }
    }

    /// The largest request that is sent and the largest reply that is read.
    fn limits(&self, method: &Method) -> (Limit, Limit) {
        let policy = self.guards.of(method).map(Guard::policy).unwrap_or_default();
        let said = self.options.as_deref();
        // What the call says wins over the policy of its method.
        let limit = |side, said: Option<usize>, of_method: Option<usize>| {
            Limit::new(side, of_method.filter(|_| said.is_none()), said.unwrap_or(MAX_MESSAGE))
        };
        (
            limit(Side::ClientSends, said.and_then(|options| options.max_request), policy.max_request_bytes),
            limit(Side::ClientReads, said.and_then(|options| options.max_reply), policy.max_reply_bytes),
        )
    }
}

/// What comes of a call until its deadline.
async fn by(
    deadline: Option<Instant>,
    going: impl Future<Output = Result<(), Status>>,
) -> Result<(), Status> {
    match deadline {
        Some(deadline) => {
            timeout_at(deadline.into(), going).await.unwrap_or_else(|_| Err(response::deadline_exceeded()))
        }
        None => going.await,
    }
}

fn settings(
    target: &str,
    connection: &ClientConnectionSection,
    tls: Option<&ClientTlsSection>,
    balancing: &BalancingSaid,
) -> Result<Settings, ConnectError> {
    let balancing = Balancing::of(balancing.clone()).map_err(|error| refused(target, &error))?;
    Settings::new(connection, tls, balancing).map_err(|error| refused(target, &error))
}

fn refused(target: &str, error: &dyn Display) -> ConnectError {
    ConnectError::Target { target: target.to_owned(), why: error.to_string() }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("service", &self.service.name)
            .field("transport", &self.transport)
            .field("interceptors", &self.interceptors)
            .finish_non_exhaustive()
    }
}

fn reply<R: Message + Default, E: DomainError>(message: Result<Bytes, Status>) -> Result<R, CallError<E>> {
    message.and_then(|message| codec::decode(message, "reply")).map_err(CallError::from_status)
}
