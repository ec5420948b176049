//! A service implementation behind its table of rows.
//!
//! In: an implementation, the service's descriptor, one function pointer per method. Out: something that answers any
//! of its calls without knowing its types.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use tonic::Status;

use super::exchange::Exchange;
use super::outbox::Outbox;
use super::section::ServiceSection;
use crate::call::Call;
use crate::descriptor::{Method, Service};
use crate::error::{DomainError, Failure, known};
use crate::interceptor::{End, Interceptor, Interceptors, Next, Reply};

/// One row of a service's table: decodes, calls the implementation, answers.
pub type Handler<S> = for<'c> fn(&'c S, &'c Call, Exchange) -> BoxFuture<'c, Result<(), Failure>>;

/// Boxes the future of a row.
pub fn boxed<'c, F>(future: F) -> BoxFuture<'c, Result<(), Failure>>
where
    F: Future<Output = Result<(), Failure>> + Send + 'c,
{
    Box::pin(future)
}

/// A service that can be served; clones share the implementation.
#[derive(Clone)]
pub struct BoundService {
    service: &'static Service,
    rows: Arc<dyn Rows>,
    interceptors: Interceptors,
    section: ServiceSection,
}

impl BoundService {
    /// Binds an implementation to the rows of `service`, one for each of its methods, in their order.
    pub fn new<S, E>(service: &'static Service, implementation: S, rows: &'static [Handler<S>]) -> Self
    where
        S: Send + Sync + 'static,
        E: DomainError,
    {
        debug_assert_eq!(service.methods.len(), rows.len(), "{} has a row for each method", service.name);
        known::register::<E>();
        Self {
            service,
            rows: Arc::new(Bound { implementation, rows }),
            interceptors: Interceptors::default(),
            section: ServiceSection::default(),
        }
    }

    /// Serves it in a group, `blue`, as programs on Dubbo ask for one. A call for another group is `UNIMPLEMENTED`; one
    /// that says nothing of groups is served. Without a group every call is.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.section.group = Some(group.into());
        self
    }

    /// Serves it as a version, `1.0.0`, which is asked for and refused as a [group](Self::group) is.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.section.version = Some(version.into());
        self
    }

    /// Adds an interceptor around this service's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors = self.interceptors.and(interceptor);
        self
    }

    /// What the IDL says of it.
    pub fn service(&self) -> &'static Service {
        self.service
    }

    /// In which group and version it is served.
    pub(crate) fn section(&self) -> &ServiceSection {
        &self.section
    }

    /// The same service, as the configuration has it, which wins.
    pub(super) fn configured(mut self, section: Option<&ServiceSection>) -> Self {
        if let Some(section) = section {
            self.section = section.over(&self.section);
        }
        self
    }

    /// The interceptors of one of its methods, with `outer` outside of its own.
    pub(super) fn interceptors(&self, outer: &Interceptors, method: &Method) -> Interceptors {
        outer.around(&self.interceptors).of(method)
    }

    /// Runs one call to its end; what it says goes to `outbox`.
    pub(super) async fn answer(
        &self,
        interceptors: &Interceptors,
        mut call: Call,
        io: Exchange,
        outbox: &Outbox,
    ) -> Result<(), Status> {
        let mut end = Terminal { bound: self, interceptors, io: Some(io), outbox };
        if interceptors.is_empty() {
            return end.handle(&call).await;
        }
        // Calls that an interceptor makes are made for this call, too.
        let outer = call.clone();
        outer.scope(Next::new(interceptors, &mut end).run(&mut call)).await.map(|Reply(())| ())
    }
}

impl fmt::Debug for BoundService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundService")
            .field("service", &self.service.name)
            .field("interceptors", &self.interceptors)
            .finish_non_exhaustive()
    }
}

trait Rows: Send + Sync {
    fn row<'c>(&'c self, index: usize, call: &'c Call, io: Exchange) -> BoxFuture<'c, Result<(), Failure>>;
}

struct Bound<S: 'static> {
    implementation: S,
    rows: &'static [Handler<S>],
}

impl<S: Send + Sync + 'static> Rows for Bound<S> {
    fn row<'c>(&'c self, index: usize, call: &'c Call, io: Exchange) -> BoxFuture<'c, Result<(), Failure>> {
        match self.rows.get(index) {
            Some(row) => row(&self.implementation, call, io),
            None => boxed(async move { Err(Failure::unimplemented(call.method().name())) }),
        }
    }
}

/// The inner end of a server's interceptors: the handler.
struct Terminal<'a> {
    bound: &'a BoundService,
    interceptors: &'a Interceptors,
    io: Option<Exchange>,
    outbox: &'a Outbox,
}

impl Terminal<'_> {
    async fn handle(&mut self, call: &Call) -> Result<(), Status> {
        // `Next` runs once, by value, so that this is there.
        let Some(mut io) = self.io.take() else {
            return Err(Status::internal("the handler was run twice"));
        };
        io.show(self.interceptors, call);
        let handler = self.bound.rows.row(call.method().index, call, io);
        call.clone().scope(handler).await.map_err(|failure| {
            let settled = failure.settle(call);
            if settled.upstream {
                self.outbox.mark_upstream();
            }
            settled.status
        })
    }
}

impl End for Terminal<'_> {
    fn run<'c>(&'c mut self, call: &'c mut Call) -> BoxFuture<'c, Result<Reply, Status>> {
        Box::pin(async move { self.handle(call).await.map(Reply) })
    }

    fn answer(&mut self, message: Bytes) {
        self.outbox.replace(&message);
    }
}
