//! The life of an app.
//!
//! In: an [`App`]. Out: listening, health `SERVING`, registered, working; and all of it in reverse. Never: a step that has no
//! bound of time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::instance::Listening;
use super::live::Live;
use super::pages::{Subject, pages};
use super::presence::Presence;
use super::registries::Membership;
use super::tasks::{Board, Tasks};
use super::{App, AppConfig, AppError, ServerSection};
use crate::descriptor::Service;
use crate::governor::Governor;
use crate::health::Health;
use crate::net::{Address, Listener};
use crate::reflection;
use crate::registry::{Instance, Provided};
use crate::server::{Server, Stats};

/// An app that runs. Dropping it ends it, too, but nobody waits for that.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub struct Running {
    name: String,
    address: Address,
    presence: Presence,
    health: Health,
    stats: Stats,
    stop_wait: Duration,
    drain: oneshot::Sender<()>,
    server: JoinHandle<usize>,
    tasks: Tasks,
    /// Why it cannot go on, if a task has failed without which it is not to run.
    failure: Option<AppError>,
    stop_on_task_failure: bool,
    governor: Option<Governor>,
    /// What nobody waits for: it ends with this.
    background: JoinSet<()>,
}

impl Running {
    pub(super) async fn start(app: App) -> Result<Self, AppError> {
        let name = app.name().to_owned();
        let App { config, server, registries, health, tasks, followers, clients: _ } = app;
        let services: Vec<&'static Service> = server.services().collect();
        let provided: Vec<(&'static str, Provided)> =
            server.sections().map(|(service, section)| (service.app, section.provided(service))).collect();
        if services.is_empty() {
            return Err(AppError::NoServices);
        }
        let server = with_built_ins(server, &services, &config, &health);
        server.check()?;
        refuse_duplicates(&server)?;
        let (stats, configured) = (server.stats(), server.configured());
        let all: Vec<_> = server.services().collect();
        let other_names: Vec<_> = server
            .sections()
            .map(|(service, section)| (service.name, section.other_names(service)))
            .collect();
        let server = server.ready()?;

        let (live, board) = (Live::new(config.clone(), followers), Board::default());
        let subject = Subject {
            name: name.clone(),
            version: config.app.version.clone(),
            services: all,
            configured,
            health: health.clone(),
            live: live.clone(),
            tasks: board.clone(),
        };
        let (listener, address) = listen(&config.server).await?;
        let governor = govern(&config, subject).await?;
        let listening = Listening {
            provided: &provided,
            config: &config,
            bound: &address,
            governor: governor.as_ref().map(Governor::address),
        };
        let to_register = to_register(&listening, registries.own)?;
        tracing::info!(app = name, %address, services = services.len(), "listening");

        let (drain, draining) = oneshot::channel();
        let drain_timeout = config.server.drain_timeout();
        // An app that is dropped drains, too.
        let told = async { draining.await.unwrap_or_default() };
        let server = tokio::spawn(server.serve(listener, told, drain_timeout));
        for (service, names) in other_names {
            health.alias(service, names);
        }
        health.serving(services.iter().map(|service| service.name));
        let mut running = Self {
            name,
            address,
            presence: Presence::default(),
            health,
            stats,
            stop_wait: config.server.stop_wait(),
            drain,
            server,
            tasks: Tasks::default(),
            failure: None,
            stop_on_task_failure: config.app.stop_on_task_failure,
            governor,
            background: JoinSet::new(),
        };
        running.presence = Presence::begin(to_register.into_iter(), &running.health).await?;
        running.tasks = Tasks::start(tasks, &board, config.app.task_timeout());
        if config.app.watch_config {
            running.background.spawn(live.follow());
        }
        Ok(running)
    }

    /// Where it listens; with the port that it got if the configuration said 0.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Where its governor listens, if it has one.
    #[must_use]
    pub fn governor(&self) -> Option<SocketAddr> {
        self.governor.as_ref().map(Governor::address)
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

    /// Returns when it has to end although nobody told it to; as long as it is well, never. Fails when it broke and cannot
    /// even stop; that a task failed is said by [`stop`](Self::stop).
    pub(super) async fn failed(&mut self) -> Result<(), AppError> {
        tokio::select! {
            served = &mut self.server => match served {
                Err(error) => Err(AppError::Server(error)),
                // It serves until it is told, and that is done by whoever has this.
                Ok(_) => std::future::pending().await,
            },
            failure = self.tasks.failed(), if self.stop_on_task_failure => {
                self.failure = Some(failure);
                Ok(())
            }
        }
    }

    /// Ends it without losing a call.
    ///
    /// 1. Says that it is not well: `NOT_SERVING`.
    /// 2. Leaves the registry.
    /// 3. Serves for `stop_wait_ms` more, for callers who do not know yet.
    /// 4. Sends its callers away (GOAWAY), and waits at most `drain_timeout_ms` for the calls that run.
    /// 5. Tells its tasks, and waits at most `task_timeout_ms` for them.
    /// 6. Ends the governor, which has said until now that it is not ready.
    ///
    /// # Errors
    ///
    /// Fails when the server broke, and when a task failed on which the app is to stop. That calls or tasks were cut off
    /// because they took too long is logged.
    pub async fn stop(mut self) -> Result<(), AppError> {
        let app = self.name.as_str();
        tracing::info!(app, "stopping: not serving");
        self.health.stopping();
        self.presence.end().await;
        sleep(self.stop_wait).await;
        tracing::info!(app, in_flight = self.stats.in_flight(), "draining");
        self.health.close();
        // It is gone only if the server is, which is said below.
        let _ = self.drain.send(());
        let served = self.server.await.map_err(AppError::Server)?;
        self.tasks.stop().await;
        if let Some(governor) = self.governor {
            governor.stop().await;
        }
        match served {
            0 => tracing::info!(app, "stopped"),
            connections => {
                tracing::warn!(app, connections, "stopped; calls took too long and were cut off")
            }
        }
        let failure = self.failure.or_else(|| self.tasks.failure());
        failure.filter(|_| self.stop_on_task_failure).map_or(Ok(()), Err)
    }
}

/// Starts the governor, if there is to be one.
async fn govern(config: &AppConfig, subject: Subject) -> Result<Option<Governor>, AppError> {
    if !config.governor.enabled {
        return Ok(None);
    }
    let address = config.governor.address_beside(&config.server.address);
    match Governor::start(&address, pages(subject)).await {
        Ok(governor) => {
            tracing::info!(address = %governor.address(), "governor listening");
            Ok(Some(governor))
        }
        Err(source) => Err(AppError::Governor { address, source }),
    }
}

/// The instances of the app, each with the registry that it is for.
fn to_register(
    listening: &Listening<'_>,
    memberships: Vec<Membership>,
) -> Result<Vec<(Arc<Membership>, Instance)>, AppError> {
    let mut all = Vec::new();
    for membership in memberships.into_iter().map(Arc::new) {
        let instances = listening.instances(&membership)?;
        all.extend(instances.into_iter().map(|instance| (Arc::clone(&membership), instance)));
    }
    Ok(all)
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
    let mut paths = HashSet::new();
    let mut methods = server.services().flat_map(|service| service.methods);
    match methods.find(|method| !paths.insert(method.path)) {
        Some(twice) => Err(AppError::DuplicatePath { path: twice.path }),
        None => Ok(()),
    }
}

async fn listen(server: &ServerSection) -> Result<(Listener, Address), AppError> {
    let listening = async {
        let listener = Listener::bind_with(&server.address, server.connection.backlog).await?;
        let bound = listener.address()?;
        Ok((listener, bound))
    };
    listening.await.map_err(|source| AppError::Listen { address: server.address.clone(), source })
}
