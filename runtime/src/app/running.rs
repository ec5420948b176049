//! The life of an app.
//!
//! In: an [`App`]. Out: listening, health `SERVING`, registered; and all of it in reverse.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{App, AppConfig, AppError, ServerSection, advertise};
use crate::descriptor::Service;
use crate::health::Health;
use crate::net::{Address, Listener};
use crate::reflection;
use crate::registry::{Instance, Registration};
use crate::server::{Server, Stats};

/// How long a registry may take to forget an app that stops.
const DEREGISTER_WAIT: Duration = Duration::from_secs(3);

/// An app that runs. Dropping it ends it, too, but nobody waits for that.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub struct Running {
    name: String,
    address: Address,
    registrations: Vec<(String, Registration)>,
    health: Health,
    stats: Stats,
    stop_wait: Duration,
    drain: oneshot::Sender<()>,
    server: JoinHandle<usize>,
}

impl Running {
    pub(super) async fn start(app: App) -> Result<Self, AppError> {
        let name = app.name().to_owned();
        let App { config, server, registry, health } = app;
        let services: Vec<&'static Service> = server.services().collect();
        if services.is_empty() {
            return Err(AppError::NoServices);
        }
        let server = with_built_ins(server, &services, &config, &health);
        refuse_duplicates(&server)?;
        let stats = server.stats();
        let server = server.ready()?;

        let (listener, address) = listen(&config.server).await?;
        let advertised = advertise::address(config.registry.advertise.as_deref(), &address)?;
        tracing::info!(app = name, %address, services = services.len(), "listening");

        let (drain, draining) = oneshot::channel();
        let drain_timeout = config.server.drain_timeout();
        // An app that is dropped drains, too.
        let told = async { draining.await.unwrap_or_default() };
        let server = tokio::spawn(server.serve(listener, told, drain_timeout));
        health.serving(services.iter().map(|service| service.name));
        let mut running = Self {
            name,
            address,
            registrations: Vec::new(),
            health,
            stats,
            stop_wait: config.server.stop_wait(),
            drain,
            server,
        };
        for instance in instances(&services, &config, &advertised) {
            let app = instance.app.clone();
            match registry.register(instance).await {
                Ok(registration) => {
                    tracing::info!(app, address = advertised, "registered");
                    running.registrations.push((app, registration));
                }
                Err(source) => return Err(AppError::Register { app, source }),
            }
        }
        Ok(running)
    }

    /// Where it listens; with the port that it got if the configuration said 0.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What it says of its health.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The counters of its calls.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// Returns why the server ended although nobody told it to; as long as it is well, never.
    pub(super) async fn broken(&mut self) -> AppError {
        match (&mut self.server).await {
            Err(error) => AppError::Server(error),
            // It serves until it is told, and that is done by whoever has this.
            Ok(_) => std::future::pending().await,
        }
    }

    /// Ends it without losing a call.
    ///
    /// 1. Says that it is not well: `NOT_SERVING`.
    /// 2. Leaves the registry.
    /// 3. Serves for `stop_wait_ms` more, for callers who do not know yet.
    /// 4. Sends its callers away (GOAWAY), and waits at most `drain_timeout_ms` for the calls that run.
    ///
    /// # Errors
    ///
    /// Fails when the server broke. That calls were cut off because they took too long is logged.
    pub async fn stop(self) -> Result<(), AppError> {
        let Self { name, registrations, health, stats, stop_wait, drain, server, .. } = self;
        tracing::info!(app = name, "stopping: not serving");
        health.stopping();
        for (app, registration) in registrations {
            deregister(&app, registration).await;
        }
        sleep(stop_wait).await;
        tracing::info!(app = name, in_flight = stats.in_flight(), "draining");
        health.close();
        // It is gone only if the server is, which is said below.
        let _ = drain.send(());
        match server.await.map_err(AppError::Server)? {
            0 => tracing::info!(app = name, "stopped"),
            connections => {
                tracing::warn!(app = name, connections, "stopped; calls took too long and were cut off")
            }
        }
        Ok(())
    }
}

/// Leaves the registry. One that is away does not keep an app from stopping: it finds out by itself.
async fn deregister(app: &str, registration: Registration) {
    match timeout(DEREGISTER_WAIT, registration.deregister()).await {
        Ok(Ok(())) => tracing::info!(app, "deregistered"),
        Ok(Err(error)) => {
            let error: &(dyn Error + 'static) = &error;
            tracing::warn!(app, error, "cannot deregister");
        }
        Err(_) => tracing::warn!(app, "cannot deregister: the registry does not answer"),
    }
}

/// Adds what every app serves.
fn with_built_ins(
    server: Server,
    services: &[&'static Service],
    config: &AppConfig,
    health: &Health,
) -> Server {
    let server = server.add(health.service());
    if !config.server.reflection {
        return server;
    }
    let described = [services, &[&crate::generated::grpc::health::v1::HEALTH]].concat();
    reflection::services(&described, health).into_iter().fold(server, Server::add)
}

fn refuse_duplicates(server: &Server) -> Result<(), AppError> {
    let (mut names, mut paths) = (HashSet::new(), HashSet::new());
    for service in server.services() {
        if !names.insert(service.name) {
            return Err(AppError::DuplicateService { service: service.name });
        }
        if let Some(twice) = service.methods.iter().find(|method| !paths.insert(method.path)) {
            return Err(AppError::DuplicatePath { path: twice.path });
        }
    }
    Ok(())
}

async fn listen(server: &ServerSection) -> Result<(Listener, Address), AppError> {
    let listening = async {
        let listener = Listener::bind_with(&server.address, server.connection.backlog).await?;
        let bound = listener.address()?;
        Ok((listener, bound))
    };
    listening.await.map_err(|source| AppError::Listen { address: server.address.clone(), source })
}

/// One instance for each app id among the services: callers look for the app of the service they call.
fn instances(services: &[&'static Service], config: &AppConfig, address: &str) -> Vec<Instance> {
    let mut apps: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for service in services {
        apps.entry(service.app).or_default().push(service.name.to_owned());
    }
    let instance = |(app, mut services): (&str, Vec<String>)| {
        services.sort_unstable();
        Instance {
            services,
            weight: config.registry.weight,
            zone: config.app.zone.clone(),
            version: config.app.version.clone(),
            metadata: config.app.metadata.clone(),
            ..Instance::new(app, address)
        }
    };
    apps.into_iter().map(instance).collect()
}
