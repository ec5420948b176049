//! The client side: from a typed request to a typed reply.
//!
//! In: a method, requests, options. Out: replies, or a [`CallError`]. What a call inherits is decided here, once: its
//! deadline, its metadata. Never: retries, breakers; they will be interceptors of their own.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use prost::Message;
use tokio::runtime::Handle;
use tokio::time::timeout_at;
use tonic::Status;
use tonic::metadata::MetadataMap;

mod endpoints;
mod leash;
mod reply_stream;
mod requests;
mod response;
mod target;
mod transport;

use endpoints::Endpoints;
use reply_stream::RawReplies;
pub use reply_stream::ReplyStream;
use requests::Requests;
use response::Incoming;
pub use target::ConnectError;
use transport::Transport;

use crate::call::{Call, CallOptions, Timeout, now};
use crate::codec::{self, Limit};
use crate::descriptor::{Kind, Method, Service};
use crate::error::{CallError, DomainError, known};
use crate::interceptor::{Direction, End, Hooks, Interceptor, Interceptors, Next, Reply};
use crate::net::Peer;
use crate::registry::Registry;
use crate::server::{self, BoundService};

/// The longest that a unary call takes of which nobody said anything.
const UNARY: Duration = Duration::from_secs(60);

/// What generated clients are made of. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Client {
    service: &'static Service,
    transport: Transport,
    interceptors: Interceptors,
    options: Option<Arc<CallOptions>>,
    parent: Option<Call>,
}

impl Client {
    /// A client of the service at one address: `http://127.0.0.1:9000`, or without the scheme. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// Fails when the target is no address, and outside of a tokio runtime.
    pub fn connect<E: DomainError>(service: &'static Service, target: &str) -> Result<Self, ConnectError> {
        known::register::<E>();
        Ok(Self::new(service, Transport::Address(target::channel(target)?)))
    }

    /// A client of the instances that `registry` has of the service's app.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime. That there are no instances is the error of a call, not of the client.
    pub fn find<E: DomainError>(
        service: &'static Service,
        registry: &dyn Registry,
    ) -> Result<Self, ConnectError> {
        known::register::<E>();
        Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let endpoints = Endpoints::new(service.app, registry.watch(service.app));
        Ok(Self::new(service, Transport::App(Arc::new(endpoints))))
    }

    /// A client of an implementation in this process, through the same stack without the network.
    ///
    /// The handler runs while the reply is waited for, or read.
    pub fn local(service: impl Into<BoundService>) -> Self {
        let bound = service.into();
        Self::new(bound.service(), Transport::Local(server::local(bound)))
    }

    fn new(service: &'static Service, transport: Transport) -> Self {
        Self { service, transport, interceptors: Interceptors::default(), options: None, parent: None }
    }

    /// Adds an interceptor around this client's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor);
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
        let requests = Requests::one(&request, self.limits().0);
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
        let requests = Requests::one(&request, self.limits().0);
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
        reply(self.one(method, Ok(Requests::many(requests, self.limits().0))).await)
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
        let raw = self.many(method, Ok(Requests::many(requests, self.limits().0))).await;
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
                (call, Got::Message(message)) => RawReplies::answered(call, message),
                (call, Got::Stream(replies, hooks)) => RawReplies::open(call, replies, hooks),
            })
        })
    }

    /// Runs one call, with its interceptors, until there is something to give to the caller.
    async fn run(&self, method: &'static Method, requests: Requests) -> Result<(Call, Got), Status> {
        let mut call = self.begin(method);
        let deadline = call.deadline();
        let mut way = Way { client: self, requests: Some(requests), got: None };
        let going = async {
            if self.interceptors.is_empty() {
                way.go(&call).await
            } else {
                Next::new(&self.interceptors, &mut way).run(&mut call).await.map(|Reply(())| ())
            }
        };
        match deadline {
            Some(deadline) => {
                let ended = timeout_at(tokio::time::Instant::from_std(deadline), going).await;
                ended.map_err(|_| response::deadline_exceeded())??;
            }
            None => going.await?,
        }
        let got =
            way.got.ok_or_else(|| Status::internal("an interceptor returned the reply of another call"))?;
        Ok((call, got))
    }

    /// The largest request that is sent and the largest reply that is read.
    fn limits(&self) -> (Limit, Limit) {
        self.options.as_deref().map_or_else(|| CallOptions::new().limits(), CallOptions::limits)
    }

    /// Decides what the call inherits.
    fn begin(&self, method: &'static Method) -> Call {
        let parent = self.parent.clone().or_else(Call::current);
        let options = self.options.as_deref();
        let deadline = match options.map(|options| options.timeout).unwrap_or_default() {
            Timeout::After(timeout) => now().checked_add(timeout),
            Timeout::Never => None,
            Timeout::Inherited => inherited(parent.as_ref(), method),
        };
        let metadata = metadata(parent.as_ref(), options);
        Call::with(method, metadata, Peer::default(), deadline)
            .replying_to(options.and_then(|options| options.capture.clone()))
    }
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

/// The deadline of a call that was given none: the current call's or, for a unary call, that of its method, if that is
/// sooner.
fn inherited(parent: Option<&Call>, method: &Method) -> Option<Instant> {
    let parent = parent.and_then(Call::deadline);
    if method.kind != Kind::Unary {
        return parent;
    }
    let own = method.timeout.or(if parent.is_none() { Some(UNARY) } else { None });
    [parent, own.and_then(|own| now().checked_add(own))].into_iter().flatten().min()
}

/// The metadata of a call: what its options say, and what travels on from the current call: the trace, and what
/// Kratos marks as global.
fn metadata(parent: Option<&Call>, options: Option<&CallOptions>) -> MetadataMap {
    let mut headers = options.map(|options| options.metadata.clone().into_headers()).unwrap_or_default();
    let Some(parent) = parent else {
        return MetadataMap::from_headers(headers);
    };
    let said: Vec<_> = headers.keys().cloned().collect();
    let inherited = parent.metadata().as_ref();
    for (name, value) in inherited {
        let travels = matches!(name.as_str(), "traceparent" | "tracestate")
            || name.as_str().starts_with("x-md-global-");
        if travels && !said.contains(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    MetadataMap::from_headers(headers)
}

/// What a call gave.
enum Got {
    Message(Bytes),
    Stream(Box<Incoming>, Option<Hooks>),
}

/// The inner end of a client's interceptors: the transport.
struct Way<'a> {
    client: &'a Client,
    requests: Option<Requests>,
    got: Option<Got>,
}

impl Way<'_> {
    async fn go(&mut self, call: &Call) -> Result<(), Status> {
        // `Next` runs once, by value, so that they are there.
        let Some(mut requests) = self.requests.take() else {
            return Err(Status::internal("the call was sent twice"));
        };
        let Client { interceptors, transport, .. } = self.client;
        let mut sent = Hooks::new(interceptors, call, Direction::Sent);
        if let (Some(hooks), Some(payload)) = (&mut sent, requests.payload()) {
            hooks.message(payload)?;
        }
        if let Some(encoding) = self.client.options.as_ref().and_then(|options| options.encoding.flatten()) {
            requests.compress(encoding);
        }
        let mut received = Hooks::new(interceptors, call, Direction::Received);
        let response = transport.send(call, requests, sent).await?;
        let mut replies = response::open(response, call, self.client.limits().1)?;
        if call.method().kind.streams_replies() {
            self.got = Some(Got::Stream(Box::new(replies), received));
            return Ok(());
        }
        self.got = Some(Got::Message(only(&mut replies, &mut received).await?));
        Ok(())
    }
}

/// The only reply of a call, once the call ended well.
async fn only(replies: &mut Incoming, hooks: &mut Option<Hooks>) -> Result<Bytes, Status> {
    let message = replies.next().await?.ok_or_else(|| Status::internal("the reply is missing"))?;
    if let Some(hooks) = hooks {
        hooks.message(&message)?;
    }
    match replies.next().await? {
        None => Ok(message),
        Some(_) => Err(Status::internal("the method has one reply, and more came")),
    }
}

impl End for Way<'_> {
    fn run<'c>(&'c mut self, call: &'c mut Call) -> BoxFuture<'c, Result<Reply, Status>> {
        Box::pin(async move { self.go(call).await.map(Reply) })
    }

    fn answer(&mut self, message: Bytes) {
        self.got = Some(Got::Message(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static QUICK: Method = Method::new("/a.B/Quick", 0, Kind::Unary).timeout_ms(300);
    static PLAIN: Method = Method::new("/a.B/Plain", 1, Kind::Unary);
    static WATCH: Method = Method::new("/a.B/Watch", 2, Kind::ServerStream);

    #[test]
    fn the_nearest_deadline_counts() {
        let parent = |seconds| {
            Call::with(
                &PLAIN,
                MetadataMap::new(),
                Peer::default(),
                now().checked_add(Duration::from_secs(seconds)),
            )
        };
        // In whole seconds, rounded up: the clock goes on meanwhile.
        let left = |parent: Option<&Call>, method| {
            inherited(parent, method)
                .map(|deadline| deadline.saturating_duration_since(now()).as_secs_f64().ceil())
        };
        let (over, long) = (parent(0), parent(100));
        assert_eq!(left(None, &QUICK), Some(1.0));
        assert_eq!(left(None, &PLAIN), Some(60.0));
        assert_eq!(left(None, &WATCH), None);
        assert_eq!(left(Some(&over), &QUICK), Some(0.0));
        assert_eq!(left(Some(&long), &QUICK), Some(1.0));
        assert_eq!(left(Some(&long), &PLAIN), Some(100.0));
        assert_eq!(left(Some(&long), &WATCH), Some(100.0));
    }
}
