//! The server side: from a connection to a handler and back.
//!
//! In: services, interceptors, a listener. Out: answered calls. Never: configuration, registries, signals; those are
//! the [`App`](crate::App)'s.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::io;
use std::time::Duration;

mod bound;
mod driver;
mod exchange;
mod guard;
mod incoming;
mod listener;
mod outbox;
mod patience;
mod replies;
mod router;
mod section;
mod stats;

pub use bound::{BoundService, Handler, boxed};
pub use exchange::{Exchange, finish};
pub use incoming::Incoming;
pub(crate) use listener::Ready;
pub use listener::RuntimeKind;
pub use replies::Replies;
pub(crate) use router::{Configured, Limits, Router};
pub use section::ServiceSection;
pub use stats::Stats;

use crate::codec::Encoding;
use crate::descriptor::Service;
use crate::interceptor::{Interceptor, Interceptors};
use crate::net::{ConnectionSection, Listener, SettingError, TlsError, TlsSection};
use crate::policy::{Policies, Said, UnknownTarget};

/// Services on one listener, without configuration and without a registry: what an [`App`](crate::App) runs, and what a test may.
///
/// ```no_run
/// # async fn run(orders: jovian_runtime::codegen::v1::BoundService) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// jovian_runtime::Server::new().add(orders).serve(listener, std::future::pending(), Duration::ZERO).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Server {
    services: Vec<BoundService>,
    interceptors: Interceptors,
    limits: Limits,
    said: Said,
    sections: BTreeMap<String, ServiceSection>,
    configured: Configured,
    stats: Stats,
    connections: ConnectionSection,
    tls: Option<TlsSection>,
    runtime: RuntimeKind,
}

impl Server {
    /// A server without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service.
    #[expect(clippy::should_implement_trait, reason = "it adds to a list; nobody takes it for arithmetic")]
    #[must_use]
    pub fn add(mut self, service: impl Into<BoundService>) -> Self {
        self.services.push(service.into());
        self
    }

    /// Adds an interceptor around the calls of all services; the first added is outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor);
        self
    }

    /// Sets the longest that a unary call may take, whatever its caller says: 60 s unless set, `None` for ever.
    #[must_use]
    pub fn max_timeout(mut self, maximum: Option<Duration>) -> Self {
        self.limits.unary = maximum;
        self
    }

    /// Sets the largest request that is read, in bytes: 8 MiB unless set.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.limits.message = bytes;
        self
    }

    /// Sets how many connections there may be, how long they live, and what one may carry.
    #[must_use]
    pub fn connections(mut self, settings: ConnectionSection) -> Self {
        self.connections = settings;
        self
    }

    /// Encrypts connections, and says who callers are if the settings say who vouches for them. Needs the feature `tls`.
    #[must_use]
    pub fn tls(mut self, settings: TlsSection) -> Self {
        self.tls = Some(settings);
        self
    }

    /// Sets on which threads calls run: on those of the runtime it is started on, unless set.
    #[must_use]
    pub fn runtime(mut self, kind: RuntimeKind) -> Self {
        self.runtime = kind;
        self
    }

    /// Sets the largest reply that is sent, in bytes: 8 MiB unless set. A larger one is RESOURCE_EXHAUSTED before it is encoded.
    #[must_use]
    pub fn max_reply(mut self, bytes: usize) -> Self {
        self.limits.reply = bytes;
        self
    }

    /// Compresses replies to callers that can read it, where the handler does not say otherwise; not unless set.
    #[must_use]
    pub fn compress(mut self, encoding: impl Into<Option<Encoding>>) -> Self {
        self.limits.encoding = encoding.into();
        self
    }

    /// Sets how many calls run at once, of all methods together; more are refused with `RESOURCE_EXHAUSTED`. 0, which
    /// is the default, sets no limit.
    #[must_use]
    pub fn max_in_flight(mut self, calls: u64) -> Self {
        self.limits.in_flight = calls;
        self
    }

    /// Says what holds for the calls of its methods, where it differs from what the IDL says.
    #[must_use]
    pub fn policies(mut self, policies: Policies) -> Self {
        self.said.program = policies;
        self
    }

    /// Says what the configuration says of the calls of its methods.
    pub(crate) fn configured_policies(mut self, policies: Policies) -> Self {
        self.said.configuration = policies;
        self
    }

    /// Says in which groups and versions the configuration has its services, by their full names.
    pub(crate) fn configured_services(mut self, sections: BTreeMap<String, ServiceSection>) -> Self {
        self.sections = sections;
        self
    }

    /// Its services, and in which group and version each is served.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&'static Service, ServiceSection)> + '_ {
        self.services.iter().map(|bound| {
            let service = bound.service();
            (service, bound.clone().configured(self.sections.get(service.name)).section().clone())
        })
    }

    /// The counters of this server and its clones.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// What the IDL says of each service.
    pub fn services(&self) -> impl Iterator<Item = &'static Service> + '_ {
        self.services.iter().map(BoundService::service)
    }

    /// Serves until `shutdown` is ready. Then it takes no more connections, tells its callers, and waits at most `drain`
    /// for the calls that run. Returns the number of connections that were not done by then and were cut.
    ///
    /// # Errors
    ///
    /// Fails, before it accepts anything, when a service was added twice, and when a setting or a certificate
    /// cannot be used.
    pub async fn serve(
        self,
        listener: impl Into<Listener>,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Result<usize, ServeError> {
        Ok(self.ready()?.serve(listener.into(), shutdown, drain).await)
    }

    /// Checks everything, and starts what connections need.
    pub(crate) fn ready(self) -> Result<Ready, ServeError> {
        let (connections, tls, runtime) = (self.connections.clone(), self.tls.clone(), self.runtime);
        Ready::new(self.router()?, connections, tls.as_ref(), runtime)
    }

    /// The routes of this server.
    pub(crate) fn router(self) -> Result<Router, ServeError> {
        self.check()?;
        let configured = |bound: BoundService| {
            let section = self.sections.get(bound.service().name);
            bound.configured(section)
        };
        let services = self.services.into_iter().map(configured).collect();
        let router = Router::new(services, &self.interceptors, self.limits, self.said, &self.stats);
        self.configured.add(&router);
        Ok(router)
    }

    /// Whether it can start.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        let mut names = HashSet::new();
        if let Some(twice) = self.services().find(|service| !names.insert(service.name)) {
            return Err(ServeError::Duplicate(twice));
        }
        if let Some(name) = self.sections.keys().find(|name| !names.contains(name.as_str())) {
            return Err(ServeError::Unserved(name.clone()));
        }
        let services: Vec<_> = self.services().collect();
        router::known(&self.said, services.iter().copied()).map_err(ServeError::Policy)
    }

    /// Where a configuration that changes is said, once the server serves.
    pub(crate) fn configured(&self) -> Configured {
        self.configured.clone()
    }
}

/// A server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Two implementations of one service.
    #[error("the service `{}` was added twice", .0.name)]
    Duplicate(&'static Service),
    /// The configuration speaks of a service that is not served.
    #[error("there is no service `{0}`, which [server.services] speaks of")]
    Unserved(String),
    /// A setting that cannot be.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Certificates that cannot be used, or no TLS to use them.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There are no threads to run calls on.
    #[error("cannot start the threads that `runtime` of [server] asks for")]
    Threads(#[source] io::Error),
    /// A policy of what is not served.
    #[error(transparent)]
    Policy(#[from] UnknownTarget),
}

/// The router of one service for callers in the same process.
pub(crate) fn local(service: BoundService) -> Router {
    let limits = Limits { message: usize::MAX, reply: usize::MAX, ..Limits::default() };
    Router::new(vec![service], &Interceptors::default(), limits, Said::default(), &Stats::default())
}
