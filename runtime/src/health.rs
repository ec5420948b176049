//! The public health protocol, `grpc.health.v1`.
//!
//! In: what the app and its author say of each service. Out: the answers to load balancers and orchestrators, now
//! (`Check`) and on every change (`Watch`). Never: finding out by itself whether a service is well.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::call::Call;
use crate::error::Status;
use crate::generated::grpc::health::v1;
pub use crate::generated::grpc::health::v1::health_check_response::ServingStatus;
use crate::generated::grpc::health::v1::{HealthCheckRequest, HealthCheckResponse, HealthServer};
use crate::server::{BoundService, Replies};

/// The name under which the server as a whole is asked for.
const OVERALL: &str = "";

/// What a server says of its health; clones share it.
///
/// An [`App`](crate::App) says `Serving` of itself (`""`) and of each of its services when it has started, unless
/// something was [set](Self::set) before, and `NotServing` of everything from the moment it stops.
#[derive(Clone)]
pub struct Health(Arc<watch::Sender<State>>);

#[derive(Default)]
struct State {
    statuses: BTreeMap<String, ServingStatus>,
    /// Other names of services, and the one that a status is said of.
    aliases: BTreeMap<String, &'static str>,
    phase: Phase,
}

impl State {
    fn is_well(&self, services: &[String]) -> bool {
        let is_serving = |service: &str| self.status(service) == Some(ServingStatus::Serving);
        is_serving(OVERALL) && services.iter().all(|service| is_serving(service))
    }

    /// What is said of a service, by any of its names.
    fn status(&self, service: &str) -> Option<ServingStatus> {
        let alias = self.aliases.get(service).copied();
        self.statuses.get(service).or_else(|| self.statuses.get(alias?)).copied()
    }
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    /// Statuses are set by whoever wants to.
    #[default]
    Open,
    /// The server stops: nothing becomes healthy again.
    Stopping,
    /// The server drains: nobody watches any longer.
    Closed,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Health {
    /// Knows no service.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says `status` of a service, by its full name, or of the server as a whole (`""`). An app says the same under the
    /// other names that programs on Dubbo ask for: the Java interface, and `{group}/{interface}:{version}`.
    ///
    /// Ignored once the server stops.
    pub fn set(&self, service: impl Into<String>, status: ServingStatus) {
        let service = service.into();
        self.0.send_if_modified(|state| {
            state.phase == Phase::Open && state.statuses.insert(service, status) != Some(status)
        });
    }

    /// What is said of a service; nothing if it is not known.
    #[must_use]
    pub fn get(&self, service: &str) -> Option<ServingStatus> {
        self.0.borrow().status(service)
    }

    /// What is said of everything that is known, the server as a whole (`""`) included.
    pub(crate) fn statuses(&self) -> BTreeMap<String, ServingStatus> {
        self.0.borrow().statuses.clone()
    }

    /// Whether the server as a whole and all of these services are healthy.
    pub(crate) fn is_well(&self, services: &[String]) -> bool {
        self.0.borrow().is_well(services)
    }

    /// Waits until that is so, or is not so any more; false if the server stops before.
    pub(crate) async fn becomes(&self, services: &[String], well: bool) -> bool {
        let mut states = self.0.subscribe();
        let changed = |state: &State| state.phase != Phase::Open || state.is_well(services) == well;
        // The sender is in `self`, so that waiting cannot fail.
        states.wait_for(changed).await.is_ok_and(|state| state.phase == Phase::Open)
    }

    /// Returns when the server stops.
    pub(crate) async fn stops(&self) {
        let _ = self.0.subscribe().wait_for(|state| state.phase != Phase::Open).await;
    }

    /// The service that answers with these statuses; an [`App`](crate::App) serves it by itself.
    #[must_use]
    pub fn service(&self) -> BoundService {
        HealthServer::new(HealthService(self.clone())).into()
    }

    /// The server has started: it and `services` are healthy, unless somebody has said otherwise.
    pub(crate) fn serving<'s>(&self, services: impl Iterator<Item = &'s str>) {
        self.0.send_modify(|state| {
            for service in services.chain([OVERALL]) {
                state.statuses.entry(service.to_owned()).or_insert(ServingStatus::Serving);
            }
        });
    }

    /// What is said of a service is said under these names, too.
    pub(crate) fn alias(&self, service: &'static str, names: impl IntoIterator<Item = String>) {
        self.0.send_modify(|state| state.aliases.extend(names.into_iter().map(|name| (name, service))));
    }

    /// The server stops: everything is unhealthy from now on.
    pub(crate) fn stopping(&self) {
        self.0.send_modify(|state| {
            state.phase = Phase::Stopping;
            state.statuses.values_mut().for_each(|status| *status = ServingStatus::NotServing);
        });
    }

    /// The server drains: those who watch are sent away, or the drain would wait for them.
    pub(crate) fn close(&self) {
        self.0.send_modify(|state| state.phase = Phase::Closed);
    }

    /// Returns when the server drains; for whatever has no end of its own.
    pub(crate) async fn closed(&self) {
        // The sender is in `self`, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|state| state.phase == Phase::Closed).await;
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.0.borrow().statuses).finish()
    }
}

struct HealthService(Health);

impl v1::Health for HealthService {
    type Error = Status;

    async fn check(&self, _: &Call, request: HealthCheckRequest) -> Result<HealthCheckResponse, Status> {
        match self.0.get(&request.service) {
            Some(status) => Ok(response(status)),
            None => Err(Status::not_found(format!("unknown service `{}`", request.service))),
        }
    }

    async fn watch(
        &self,
        _: &Call,
        request: HealthCheckRequest,
        out: &mut Replies<HealthCheckResponse>,
    ) -> Result<(), Status> {
        let mut states = self.0.0.subscribe();
        let mut told = None;
        loop {
            let (status, phase) = {
                let state = states.borrow_and_update();
                let status = state.status(&request.service);
                (status.unwrap_or(ServingStatus::ServiceUnknown), state.phase)
            };
            if told != Some(status) {
                out.send(response(status)).await;
                told = Some(status);
            }
            if phase == Phase::Closed || states.changed().await.is_err() {
                return Err(Status::unavailable("the server is stopping"));
            }
        }
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
