//! The application: services, their configuration and their life.
//!
//! In: an [`AppConfig`], services, interceptors, tasks. Out: a server that is found while it is well, and that stops without
//! losing a call. Never: what happens to a single call; that is the server's.

use std::future::Future;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::client::{BalancingSaid, Client, Configured, ConnectError, Target};
use crate::descriptor::Service;
use crate::error::DomainError;
use crate::health::Health;
use crate::interceptor::Interceptor;
use crate::log::Out;
use crate::policy::Policies;
use crate::registry::Registry;
use crate::server::{BoundService, Server, Stats};

mod advertise;
mod config;
mod error;
mod instance;
mod live;
mod log;
mod pages;
mod panics;
mod presence;
mod registries;
mod running;
mod signals;
mod tasks;

pub use config::{
    AppConfig, AppSection, ClientPolicySection, ClientSection, ClientServiceSection, Compression,
    ConfigError, GovernorSection, LogFormat, LogSection, RetrySection, ServerPolicySection, ServerSection,
};
pub use error::AppError;
pub use running::Running;
pub use tasks::{Shutdown, TaskResult};

use live::Follower;
use registries::Memberships;
use signals::Signals;
use tasks::Task;

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
    registries: Memberships,
    health: Health,
    tasks: Vec<Task>,
    followers: Vec<Follower>,
    clients: Configured,
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

    /// An app with the configuration that [`AppConfig::from_args`] finds: that of [`from_config`](Self::from_config),
    /// and over it the flags that the process was started with, `--config FILE` and `--set KEY=VALUE`.
    ///
    /// # Errors
    ///
    /// Fails when the configuration cannot be used, and on any other flag.
    pub fn from_args() -> Result<Self, ConfigError> {
        AppConfig::from_args(std::env::args_os().skip(1)).map(Self::new)
    }

    /// An app with this configuration.
    #[must_use]
    pub fn new(config: AppConfig) -> Self {
        let server = Server::new()
            .max_message(config.server.max_message_bytes)
            .max_reply(config.server.max_reply_bytes)
            .compress(config.server.compress)
            .max_timeout(config.server.max_deadline())
            .connections(config.server.connection.clone())
            .runtime(config.server.runtime)
            .max_in_flight(config.server.max_in_flight)
            .configured_policies(config.server.policies())
            .configured_services(config.server.services.clone());
        let server = match config.server.tls.clone() {
            Some(tls) => server.tls(tls),
            None => server,
        };
        let registries = Memberships::of(&config);
        let clients = Configured::new(config.client.policies());
        let mut followers = vec![Follower::revision(), Follower::log_level()];
        followers.extend(Follower::policies(&server.configured(), &clients));
        Self { config, server, registries, health: Health::new(), tasks: Vec::new(), followers, clients }
    }

    /// Serves a service.
    #[must_use]
    pub fn serve(mut self, service: impl Into<BoundService>) -> Self {
        self.server = self.server.add(service);
        self
    }

    /// Says what holds for the calls of its methods, where it differs from what the IDL says. The configuration wins.
    #[must_use]
    pub fn policies(mut self, policies: Policies) -> Self {
        self.server = self.server.policies(policies);
        self
    }

    /// Adds an interceptor around the calls of all services, health and reflection included; the first added is
    /// outermost.
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.server = self.server.intercept(interceptor);
        self
    }

    /// Runs work of the app's own beside its calls: a consumer of a queue, a cache that renews itself.
    ///
    /// The task begins when the app is registered. It is told when the app stops and the last call has ended, by the
    /// [`Shutdown`] that it is given, and has `[app] task_timeout_ms` to end by itself. If it fails or panics, that is
    /// logged and, unless `[app] stop_on_task_failure` is false, the app stops and [`run`](Self::run) returns the error.
    ///
    /// ```no_run
    /// # fn of(app: jovian_runtime::App) -> jovian_runtime::App {
    /// use std::time::Duration;
    ///
    /// app.task("sweeper", |shutdown| async move {
    ///     while !shutdown.is_requested() {
    ///         // .. sweep ..
    ///         tokio::select! {
    ///             () = shutdown.requested() => {}
    ///             () = tokio::time::sleep(Duration::from_secs(60)) => {}
    ///         }
    ///     }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn task<F>(
        mut self,
        name: impl Into<String>,
        work: impl FnOnce(Shutdown) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: TaskResult> + Send + 'static,
    {
        self.tasks.push(Task::new(name.into(), work));
        self
    }

    /// Uses `registry` instead of those that the configuration names. For several there is
    /// [`Registries`](crate::registry::Registries).
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn Registry>) -> Self {
        self.registries = Memberships::in_one(registry, &self.config);
        self
    }

    /// Where it finds others: the registry that the configuration names, or all of them as one.
    #[must_use]
    pub fn registry(&self) -> &Arc<dyn Registry> {
        &self.registries.others
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

    /// Its own settings, now and whenever the configuration file changes while it runs: from here on `[custom]` is hot.
    ///
    /// A file whose `[custom]` does not fit `T` is refused as a whole, and the settings stay what they are.
    ///
    /// # Errors
    ///
    /// Fails when `[custom]` does not fit `T` now.
    pub fn watch<T>(&mut self) -> Result<watch::Receiver<Arc<T>>, ConfigError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let (follower, settings) = Follower::custom(&self.config)?;
        self.followers.push(follower);
        Ok(settings)
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

    /// Listens, says that it is well, registers, and starts its tasks, in this order.
    ///
    /// # Errors
    ///
    /// Fails when there is nothing to serve, when it cannot listen, and when the registry refuses it.
    pub async fn start(self) -> Result<Running, AppError> {
        Running::start(self).await
    }

    /// Runs until the process is told to end (SIGTERM or ctrl-c), then [stops](Running::stop).
    ///
    /// Logs as `[log]` says, unless the process has a `tracing` subscriber already, and logs panics with their
    /// backtraces before the hook that the process has.
    ///
    /// # Errors
    ///
    /// Fails when it cannot [start](Self::start), when a task failed, and at once when it is told to end a second time.
    pub async fn run(self) -> Result<(), AppError> {
        log::init(&self.config.log)?;
        panics::chain();
        let ended = self.run_until_told().await;
        Out.flush();
        ended
    }

    async fn run_until_told(self) -> Result<(), AppError> {
        let mut signals = Signals::listen().map_err(AppError::Signals)?;
        let mut running = tokio::select! {
            started = self.start() => started?,
            name = signals.next() => {
                tracing::info!(signal = name, "told to end before it had started");
                return Ok(());
            }
        };
        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "told to end"),
            failed = running.failed() => failed?,
        }
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
    /// A client of the instances that the registries of `app` have of the service's app, or of wherever `[client.services]`
    /// sends it.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime, and when the certificates of `[client.tls]` cannot be used. That there are no
    /// instances is the error of a call, not of the client.
    pub fn discover<E: DomainError>(service: &'static Service, app: &App) -> Result<Self, ConnectError> {
        let section = &app.config.client;
        let said = section.of(service);
        let target = Target {
            connection: section.connection.clone(),
            tls: section.tls.clone(),
            group: said.group,
            version: said.version,
            balancing: BalancingSaid {
                service: said.balancing,
                all: section.balancing_in(&app.config.app),
                ..BalancingSaid::default()
            },
            ..Target::new(said.target.clone().unwrap_or_default())
        };
        let client = match said.target {
            Some(_) => Self::connect_within::<E>(service, target, &app.config.all_registries())?,
            None => Self::find_for::<E>(service, app.registry(), &target)?,
        };
        client.of_app(app.name(), &app.clients)
    }
}
