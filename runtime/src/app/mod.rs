//! The application: services, their configuration and their life.
//!
//! In: an [`AppConfig`], services, interceptors. Out: a server that is found while it is well, and that stops without
//! losing a call. Never: what happens to a single call; that is the server's.

use std::sync::Arc;

use crate::client::{Client, ConnectError};
use crate::descriptor::Service;
use crate::error::DomainError;
use crate::health::Health;
use crate::interceptor::Interceptor;
use crate::registry::{MemoryRegistry, NoRegistry, Registry};
use crate::server::{BoundService, Server, Stats};

mod advertise;
mod config;
mod error;
mod log;
mod running;
mod signals;

pub use config::{
    AppConfig, AppSection, ConfigError, LogFormat, LogSection, RegistryKind, RegistrySection, ServerSection,
};
pub use error::AppError;
pub use running::Running;

use signals::Signals;

/// An application: what it serves, how it is found, how it ends.
///
/// ```no_run
/// # use jovian_runtime::codegen::v1::BoundService;
/// # async fn main_(orders: BoundService) -> Result<(), Box<dyn std::error::Error>> {
/// use jovian_runtime::App;
///
/// App::from_config()?.serve(orders).run().await?;
/// # Ok(())
/// # }
/// ```
///
/// Every app also serves `grpc.health.v1.Health` and, unless `[server] reflection = false`, the reflection services.
#[derive(Debug)]
pub struct App {
    config: AppConfig,
    server: Server,
    registry: Arc<dyn Registry>,
    health: Health,
}

impl App {
    /// An app with the configuration that [`AppConfig::load`] finds.
    ///
    /// # Errors
    ///
    /// Fails when the configuration cannot be used.
    pub fn from_config() -> Result<Self, ConfigError> {
        AppConfig::load().map(Self::new)
    }

    /// An app with this configuration.
    #[must_use]
    pub fn new(config: AppConfig) -> Self {
        let server = Server::new()
            .max_message(config.server.max_message_bytes)
            .max_timeout(config.server.max_deadline())
            .connections(config.server.connection.clone())
            .runtime(config.server.runtime);
        let registry: Arc<dyn Registry> = match config.registry.kind {
            RegistryKind::Memory => Arc::new(MemoryRegistry::shared()),
            RegistryKind::None => Arc::new(NoRegistry),
        };
        Self { config, server, registry, health: Health::new() }
    }

    /// Serves a service.
    #[must_use]
    pub fn serve(mut self, service: impl Into<BoundService>) -> Self {
        self.server = self.server.add(service);
        self
    }

    /// Adds an interceptor around the calls of all services, health and reflection included; the first added is
    /// outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.server = self.server.intercept(interceptor);
        self
    }

    /// Uses `registry` instead of the one that the configuration names.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn Registry>) -> Self {
        self.registry = registry;
        self
    }

    /// Where it is registered, and finds others.
    #[must_use]
    pub fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &AppConfig {
        &self.config
    }

    /// Its own settings, see [`AppConfig::custom`].
    ///
    /// # Errors
    ///
    /// Fails when `[custom]` does not fit `T`.
    pub fn custom<T: serde::de::DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.config.custom()
    }

    /// What it says of its health, to read and to [set](Health::set).
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The counters of its calls.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.server.stats()
    }

    /// What it is called in logs: `[app] name`, else the app id of its first service.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.config.app.name.as_str() {
            "" => self.server.services().next().map_or("", |service| service.app),
            name => name,
        }
    }

    /// Listens, says that it is well, and registers, in this order.
    ///
    /// # Errors
    ///
    /// Fails when there is nothing to serve, when it cannot listen, and when the registry refuses it.
    pub async fn start(self) -> Result<Running, AppError> {
        Running::start(self).await
    }

    /// Runs until the process is told to end (SIGTERM or ctrl-c), then [stops](Running::stop).
    ///
    /// Logs as `[log]` says, unless the process has a `tracing` subscriber already.
    ///
    /// # Errors
    ///
    /// Fails when it cannot [start](Self::start), and at once when it is told to end a second time.
    pub async fn run(self) -> Result<(), AppError> {
        log::init(&self.config.log)?;
        let mut signals = Signals::listen().map_err(AppError::Signals)?;
        let mut running = tokio::select! {
            started = self.start() => started?,
            name = signals.next() => {
                tracing::info!(signal = name, "told to end before it had started");
                return Ok(());
            }
        };
        let name = tokio::select! {
            name = signals.next() => name,
            broken = running.broken() => return Err(broken),
        };
        tracing::info!(signal = name, "told to end");
        tokio::select! {
            stopped = running.stop() => stopped,
            name = signals.next() => {
                tracing::warn!(signal = name, "told to end again");
                Err(AppError::Interrupted)
            }
        }
    }
}

impl Client {
    /// A client of the instances that the registry of `app` has of the service's app.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime. That there are no instances is the error of a call, not of the client.
    pub fn discover<E: DomainError>(service: &'static Service, app: &App) -> Result<Self, ConnectError> {
        Self::find::<E>(service, app.registry().as_ref())
    }
}
