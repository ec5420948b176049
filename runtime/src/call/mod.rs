//! The context of one call, the same on a server and on a client.
//!
//! In: a method, metadata, a peer, a deadline. Out: a [`Call`] that handlers and interceptors read, and that calls made
//! while a handler runs inherit from. Never: bytes of messages.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Extensions;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;

use crate::descriptor::Method;
use crate::net::Peer;

mod aim;
mod attachments;
mod binary;
pub(crate) mod deadline;
mod options;
mod reply;
pub(crate) mod hops;
mod idle;
pub(crate) mod reserved;
mod text;
pub(crate) mod trace;

pub(crate) use aim::{Visited, hash_of};
pub(crate) use attachments::{GROUP, VERSION};
pub(crate) use binary::values_bin;
pub(crate) use idle::silence;
pub use options::CallOptions;
pub(crate) use options::Timeout;
pub use reply::ReplyMetadata;
pub(crate) use text::{percent_decoded, percent_encoded, text_of};
pub use trace::Trace;

tokio::task_local! {
    /// Set around every poll of a handler, so that calls it makes know what they are made for.
    static CURRENT: Call;
}

/// One call: what is called, by whom, until when, and with which metadata.
///
/// A clone is cheap and shares everything; an interceptor that changes a call changes what is further inside, not what
/// others hold.
///
/// Calls that a handler makes inherit from its call: the deadline, the trace (`traceparent`, `tracestate`, `baggage`,
/// and Jupiter's `x-dy-traceid`), and metadata whose name begins with `x-md-global-`, as in Kratos, or with
/// `rpc-persist-`, as in CloudWeGo.
#[derive(Clone)]
pub struct Call(Arc<Parts>);

struct Parts {
    method: &'static Method,
    metadata: MetadataMap,
    peer: Peer,
    deadline: Option<Instant>,
    started: Instant,
    extensions: Extensions,
    /// The span of this call; none while nobody records spans.
    trace: Option<Trace>,
    /// How often a client has tried before.
    attempts: u32,
    /// What a client chooses its endpoint by, where it goes by keys.
    key: Option<u64>,
    visited: Visited,
    /// Made when first asked for: most calls never touch it.
    reply: OnceLock<ReplyMetadata>,
}

impl Clone for Parts {
    fn clone(&self) -> Self {
        Self {
            method: self.method,
            metadata: self.metadata.clone(),
            peer: self.peer.clone(),
            deadline: self.deadline,
            started: self.started,
            extensions: self.extensions.clone(),
            trace: self.trace,
            attempts: self.attempts,
            key: self.key,
            visited: self.visited.clone(),
            // Made now, or the two copies would each make their own later.
            reply: OnceLock::from(self.reply.get_or_init(ReplyMetadata::new).clone()),
        }
    }
}

impl Call {
    /// A call of `method` from nowhere, without metadata and without a deadline: for tests of handlers, and for work
    /// that no caller asked for.
    pub fn new(method: &'static Method) -> Self {
        Self::with(method, MetadataMap::new(), Peer::default(), None)
    }

    pub(crate) fn with(
        method: &'static Method,
        metadata: MetadataMap,
        peer: Peer,
        deadline: Option<Instant>,
    ) -> Self {
        Self(Arc::new(Parts {
            method,
            metadata,
            peer,
            deadline,
            started: now(),
            extensions: Extensions::new(),
            trace: None,
            attempts: 0,
            key: None,
            visited: Visited::default(),
            reply: OnceLock::new(),
        }))
    }

    /// The same call, with its reply's metadata held there.
    pub(crate) fn replying_to(mut self, reply: Option<ReplyMetadata>) -> Self {
        if let Some(reply) = reply {
            self.edit().reply = OnceLock::from(reply);
        }
        self
    }

    /// The same call as a span of a trace.
    pub(crate) fn within(mut self, trace: Trace) -> Self {
        self.edit().trace = Some(trace);
        self
    }

    /// The same call, tried so often before.
    pub(crate) fn tried(mut self, attempts: u32) -> Self {
        self.edit().attempts = attempts;
        self
    }

    /// The same call, which goes where others with this key go.
    pub(crate) fn keyed(mut self, key: Option<u64>) -> Self {
        if key.is_some() {
            self.edit().key = key;
        }
        self
    }

    /// The key by which its endpoint is to be chosen, if its caller gave one.
    pub(crate) fn key(&self) -> Option<u64> {
        self.0.key
    }

    /// The endpoints that it went to.
    pub(crate) fn visited(&self) -> &Visited {
        &self.0.visited
    }

    /// How often a client has tried before.
    pub(crate) fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The span of this call, if spans are recorded.
    pub(crate) fn span(&self) -> Option<Trace> {
        self.0.trace
    }

    /// The call that this task works for: set while a handler runs and in what [`spawn`](Self::spawn) started.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// What is called.
    pub fn method(&self) -> &'static Method {
        self.0.method
    }

    /// The metadata of the request.
    pub fn metadata(&self) -> &MetadataMap {
        &self.0.metadata
    }

    /// All values of the request's metadata of bytes under a name, which ends with `-bin`, in their order; what is no base64 is left
    /// out.
    pub fn metadata_bin(&self, key: &str) -> Vec<Bytes> {
        values_bin(self.0.metadata.as_ref(), key)
    }

    /// The metadata of the request, to change: on a client, before it is sent.
    pub fn metadata_mut(&mut self) -> &mut MetadataMap {
        &mut self.edit().metadata
    }

    /// The other end of the connection, on a server. `None` for a call within the process or by a Unix socket, and on a
    /// client.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer.address
    }

    /// Whom the certificate of the other end names, on a server that asks for certificates.
    pub fn peer_certificate(&self) -> Option<&str> {
        self.0.peer.certificate.as_deref().filter(|name| !name.is_empty())
    }

    /// Who calls: whom its certificate names, on a server that asks for certificates; elsewhere the app id that the caller
    /// says of itself in `aid`, as in Jupiter, or in `x-md-service-name`, as in Kratos. `None` if it says nothing.
    ///
    /// A certificate was verified. What a caller says of itself, nobody has proved.
    pub fn caller(&self) -> Option<&str> {
        if self.0.peer.certificate.is_some() {
            return self.peer_certificate();
        }
        let named = |name: &str| self.0.metadata.get(name).and_then(|value| value.to_str().ok());
        hops::CALLERS.iter().find_map(|name| named(name)).filter(|name| !name.is_empty())
    }

    /// The entry of the metadata that travels over all hops under `key` (`x-md-global-tenant`, `rpc-persist-tenant`).
    pub fn global(&self, key: &str) -> Option<&str> {
        hops::global(self.0.metadata.as_ref(), key)
    }

    /// The entry of the metadata that came one hop under `key` (`x-md-local-`, `rpc-transit-`); the calls that are made
    /// for this one do not have it.
    pub fn local(&self, key: &str) -> Option<&str> {
        hops::local(self.0.metadata.as_ref(), key)
    }

    /// The text of a Dubbo attachment, `Upper-Mark`, whatever letters of it are capitals; it may have come in Latin-1. A
    /// header of a caller that does not speak Dubbo is found in the same way.
    pub fn attachment(&self, name: &str) -> Option<Cow<'_, str>> {
        attachments::attachment(self.0.metadata.as_ref(), name)
    }

    /// All texts that came as Dubbo attachments, by their names, which have their capitals if the caller said them.
    pub fn attachments(&self) -> BTreeMap<String, String> {
        attachments::attachments(self.0.metadata.as_ref())
    }

    /// On whose behalf: the entry `tenant` that travels over all hops.
    pub fn tenant(&self) -> Option<&str> {
        self.global(hops::TENANT)
    }

    /// Which variant of the services the call is for: the entry `color` that travels over all hops, or the tag of a caller
    /// that speaks Dubbo (`dubbo.tag`), which goes one hop.
    pub fn colour(&self) -> Option<&str> {
        hops::colour(self.0.metadata.as_ref())
    }

    /// Where the call stands in a trace: its own span if spans are recorded, else that of its caller.
    pub fn trace(&self) -> Option<Trace> {
        self.0.trace.or_else(|| Trace::read(self.0.metadata.as_ref()))
    }

    /// When the call is over, if ever.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The time that is left, if it is bounded; zero when the call is over.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// When the call began.
    pub fn started(&self) -> Instant {
        self.0.started
    }

    /// What interceptors left for those further inside.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// What interceptors leave for those further inside, to change.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.edit().extensions
    }

    /// The metadata of the reply: on a server to add to, on a client to read once the reply came.
    pub fn reply(&self) -> &ReplyMetadata {
        self.0.reply.get_or_init(ReplyMetadata::new)
    }

    /// Starts a task that works for this call: what it calls inherits from it, as a handler's calls do.
    ///
    /// The task goes on when the call is over.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.clone().scope(future))
    }

    /// Makes this the current call during every poll of `future`.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self, future)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// The reply's metadata, if anybody ever asked for it.
    pub(crate) fn touched_reply(&self) -> Option<&ReplyMetadata> {
        self.0.reply.get()
    }

    fn edit(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.0.method.path)
            .field("peer", &self.0.peer)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The time by tokio's clock, which tests may stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
