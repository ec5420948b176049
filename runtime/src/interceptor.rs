//! Code around calls, on either side.
//!
//! In: a [`Call`] and what is further inside. Out: the same call's outcome, or another one. With none installed nothing
//! of this runs.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use prost::Message;
use tonic::Status;

use crate::call::Call;
use crate::descriptor::{Method, Service};

/// Code around every call of a server, a service or a client.
///
/// ```
/// use jovian_runtime::{Call, Interceptor, Next, Reply, Status};
///
/// struct Tenants;
///
/// impl Interceptor for Tenants {
///     async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
///         if call.metadata().get("x-tenant").is_none() {
///             return Err(Status::invalid_argument("the request names no tenant"));
///         }
///         next.run(call).await
///     }
/// }
/// ```
///
/// The first that was added is outermost; those of a server are outside of those of its services.
///
/// On a server `around` covers the whole call, streams to their end. On a client it covers a call with one reply to its
/// end, and a call with many replies up to the reply's headers. A call that is dropped, because the caller went away
/// or the deadline passed, is dropped at the `await` here, too: clean up in a guard's `Drop`.
pub trait Interceptor: Send + Sync + 'static {
    /// Runs around one call. Answer with [`Next::run`], with [`Next::answer`] or with a status.
    fn around(&self, call: &mut Call, next: Next<'_>) -> impl Future<Output = Result<Reply, Status>> + Send;

    /// Whether it is for calls of this method. It is asked once, when a server starts or a client is made; where the answer
    /// is no, nothing of it runs.
    fn applies(&self, method: &Method) -> bool {
        let _ = method;
        true
    }

    /// The same for some methods alone: by name (`GetOrder`), with the service (`shop.orders.v1.Orders/GetOrder`), or all
    /// of a service (`shop.orders.v1.Orders`).
    fn only(self, methods: &'static [&'static str]) -> Only<Self>
    where
        Self: Sized,
    {
        Only { inner: self, methods }
    }

    /// Sees one message on its way. An error ends the call with it.
    ///
    /// # Errors
    ///
    /// Whatever the call shall fail with.
    fn message(&self, call: &Call, message: MessageEvent<'_>) -> Result<(), Status> {
        let _ = (call, message);
        Ok(())
    }
}

/// An interceptor for some methods, see [`Interceptor::only`].
#[derive(Clone, Copy, Debug)]
pub struct Only<I> {
    inner: I,
    methods: &'static [&'static str],
}

impl<I: Interceptor> Interceptor for Only<I> {
    fn around(&self, call: &mut Call, next: Next<'_>) -> impl Future<Output = Result<Reply, Status>> + Send {
        self.inner.around(call, next)
    }

    fn applies(&self, method: &Method) -> bool {
        let path = method.path.trim_start_matches('/');
        let is_meant = |name: &&str| [path, method.name(), method.service()].contains(name);
        self.methods.iter().any(is_meant) && self.inner.applies(method)
    }

    fn message(&self, call: &Call, message: MessageEvent<'_>) -> Result<(), Status> {
        self.inner.message(call, message)
    }
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MessageEvent<'a> {
    /// Where it goes, seen from this process.
    pub direction: Direction,
    /// How many went the same way before it in this call.
    pub sequence: u64,
    /// The encoded message.
    pub payload: &'a [u8],
}

/// Where a message goes, seen from this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to here.
    Received,
    /// From here to the peer.
    Sent,
}

/// The proof that a call was answered: what [`Next::run`] and [`Next::answer`] give, for `around` to return.
#[derive(Debug)]
pub struct Reply(pub(crate) ());

/// What is further inside: the other interceptors and then the call itself.
pub struct Next<'a> {
    rest: &'a [Arc<dyn Erased>],
    end: &'a mut (dyn End + 'a),
}

impl<'a> Next<'a> {
    pub(crate) fn new(interceptors: &'a Interceptors, end: &'a mut (dyn End + 'a)) -> Self {
        Self { rest: &interceptors.0, end }
    }

    /// Runs the rest of the call. It runs once: a retry needs the request again, which is the client's business.
    pub fn run<'c>(self, call: &'c mut Call) -> BoxFuture<'c, Result<Reply, Status>>
    where
        'a: 'c,
    {
        match self.rest.split_first() {
            Some((first, rest)) => first.around(call, Next { rest, end: self.end }),
            None => self.end.run(call),
        }
    }

    /// Answers with `message` instead of running the rest of the call. It has to be the reply type of the method.
    pub fn answer<T: Message>(self, message: &T) -> Reply {
        self.end.answer(Bytes::from(message.encode_to_vec()));
        Reply(())
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("interceptors", &self.rest.len()).finish_non_exhaustive()
    }
}

/// What stands at the inner end of a chain: a handler, or the way to another process.
pub(crate) trait End: Send {
    fn run<'c>(&'c mut self, call: &'c mut Call) -> BoxFuture<'c, Result<Reply, Status>>;
    fn answer(&mut self, message: Bytes);
}

/// An [`Interceptor`] behind a pointer.
pub(crate) trait Erased: Send + Sync {
    fn around<'c>(&'c self, call: &'c mut Call, next: Next<'c>) -> BoxFuture<'c, Result<Reply, Status>>;
    fn applies(&self, method: &Method) -> bool;
    fn message(&self, call: &Call, message: MessageEvent<'_>) -> Result<(), Status>;
}

impl<I: Interceptor> Erased for I {
    fn around<'c>(&'c self, call: &'c mut Call, next: Next<'c>) -> BoxFuture<'c, Result<Reply, Status>> {
        Box::pin(Interceptor::around(self, call, next))
    }

    fn applies(&self, method: &Method) -> bool {
        Interceptor::applies(self, method)
    }

    fn message(&self, call: &Call, message: MessageEvent<'_>) -> Result<(), Status> {
        Interceptor::message(self, call, message)
    }
}

/// Interceptors in the order in which a request meets them.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(Arc<[Arc<dyn Erased>]>);

impl Interceptors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, and `interceptor` inside of them.
    pub(crate) fn and(&self, interceptor: impl Interceptor) -> Self {
        let added: Arc<dyn Erased> = Arc::new(interceptor);
        Self(self.0.iter().cloned().chain([added]).collect())
    }

    /// These, and `inner` inside of them.
    pub(crate) fn around(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&*inner.0).cloned().collect())
    }

    /// Those of them that are for calls of `method`.
    pub(crate) fn of(&self, method: &Method) -> Self {
        Self(self.0.iter().filter(|interceptor| interceptor.applies(method)).cloned().collect())
    }
}

/// The interceptors of each method of a service.
#[derive(Clone, Default)]
pub(crate) struct Chains {
    all: Interceptors,
    /// By the index of the method; empty if there are no interceptors at all.
    methods: Arc<[Interceptors]>,
}

impl Chains {
    /// These, and `interceptor` inside of them.
    pub(crate) fn and(&self, interceptor: impl Interceptor, service: &Service) -> Self {
        let all = self.all.and(interceptor);
        let methods = service.methods.iter().map(|method| all.of(method)).collect();
        Self { all, methods }
    }

    /// Those of a method of the service.
    pub(crate) fn of(&self, method: &Method) -> &Interceptors {
        self.methods.get(method.index).unwrap_or(&self.all)
    }
}

impl fmt::Debug for Chains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

impl fmt::Debug for Interceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} interceptors", self.0.len())
    }
}

/// The message hooks of one direction of one call.
#[derive(Clone)]
pub(crate) struct Hooks {
    interceptors: Interceptors,
    call: Call,
    direction: Direction,
    sequence: u64,
}

impl Hooks {
    /// Hooks, if anybody could be listening.
    pub(crate) fn new(interceptors: &Interceptors, call: &Call, direction: Direction) -> Option<Self> {
        let hooks =
            || Self { interceptors: interceptors.clone(), call: call.clone(), direction, sequence: 0 };
        (!interceptors.is_empty()).then(hooks)
    }

    /// Shows one message to everybody, in the order in which it passes them.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Result<(), Status> {
        let event = MessageEvent { direction: self.direction, sequence: self.sequence, payload };
        self.sequence += 1;
        self.interceptors.0.iter().try_for_each(|interceptor| interceptor.message(&self.call, event))
    }
}
