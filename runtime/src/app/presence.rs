//! Being found while being well.
//!
//! In: instances, the registries that they are for, what the app says of its health. Out: registrations that are there while
//! the app and its services are `SERVING`, and gone while they are not: who cannot serve is to get no calls. Never: an end of
//! an app that runs, because a registry is away or refuses it.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::AppError;
use super::registries::Membership;
use crate::health::Health;
use crate::registry::{Instance, Registration, RegistryError};

/// How long a registry may take to take an app in.
const REGISTER_WAIT: Duration = Duration::from_secs(10);
/// How long a registry may take to forget an app that stops.
const DEREGISTER_WAIT: Duration = Duration::from_secs(3);
/// Pauses after a refusal double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What an app is registered as, until it stops. Dropping it ends it, and nobody waits for that.
#[derive(Debug, Default)]
pub(super) struct Presence {
    tasks: JoinSet<()>,
    held: Vec<Held>,
}

/// What a registry holds now. A task that is aborted goes in its own time; this goes at once.
type Held = Arc<Mutex<Option<Registration>>>;

impl Drop for Presence {
    fn drop(&mut self) {
        self.held.iter().for_each(|held| drop(lock(held).take()));
    }
}

fn lock(held: &Held) -> MutexGuard<'_, Option<Registration>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Presence {
    /// Registers in all registries at once, and goes on behind. Fails when each of them refuses; what only some refuse is
    /// logged and tried again.
    pub(super) async fn begin(
        all: impl Iterator<Item = (Arc<Membership>, Instance)>,
        health: &Health,
    ) -> Result<Self, AppError> {
        let (mut presence, mut answers) = (Self::default(), Vec::new());
        for (membership, instance) in all {
            let (tell, told) = oneshot::channel();
            let app = instance.app.clone();
            answers.push(async move { (app, told.await) });
            let services = instance.services.iter().map(|service| service.name.clone()).collect();
            let (health, held) = (health.clone(), Held::default());
            presence.held.push(Arc::clone(&held));
            presence.tasks.spawn(One { membership, instance, services, health, held }.keep(tell));
        }
        let (mut is_taken, mut refused) = (answers.is_empty(), None);
        for (app, answer) in join_all(answers).await {
            match answer {
                Ok(Err(source)) => refused = refused.or(Some(AppError::Register { app, source })),
                _ => is_taken = true,
            }
        }
        match refused {
            Some(error) if !is_taken => Err(error),
            _ => Ok(presence),
        }
    }

    /// Waits until all registries are left; the health says already that the app stops.
    pub(super) async fn end(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// One instance in one registry.
struct One {
    membership: Arc<Membership>,
    instance: Instance,
    services: Vec<String>,
    health: Health,
    held: Held,
}

/// Who waits for the first answer of a registry.
type First = oneshot::Sender<Result<(), RegistryError>>;

impl One {
    /// Keeps it registered while it is well, until it stops.
    async fn keep(self, first: First) {
        let (registry, app) = (&self.membership.key, &self.instance.app);
        let mut first = Some(first);
        loop {
            if !self.health.is_well(&self.services) {
                // There is nothing to wait for.
                first.take();
                tracing::info!(registry, app, "not registered while it is not SERVING");
            }
            if !self.health.becomes(&self.services, true).await {
                return;
            }
            let Some(registration) = self.register(&mut first).await else { return };
            *lock(&self.held) = Some(registration);
            if let Some(first) = first.take() {
                // Whoever waited may have gone.
                let _ = first.send(Ok(()));
            }
            let goes_on = self.health.becomes(&self.services, false).await;
            let registration = lock(&self.held).take();
            if let Some(registration) = registration {
                self.leave(registration).await;
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Registers, trying again after a refusal; nothing, if it stops meanwhile.
    async fn register(&self, first: &mut Option<First>) -> Option<Registration> {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = tokio::select! {
                answer = self.ask() => answer,
                () = self.health.stops() => return None,
            };
            let refusal = match answer {
                Ok(registration) => return Some(registration),
                Err(refusal) => refusal,
            };
            self.say(&refusal, pause);
            if let Some(first) = first.take() {
                let _ = first.send(Err(refusal));
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.health.stops() => return None,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn say(&self, refusal: &RegistryError, pause: Duration) {
        let (registry, app) = (&self.membership.key, &self.instance.app);
        let error: &(dyn Error + 'static) = refusal;
        tracing::error!(registry, app, error, ?pause, "refused; it is tried again");
    }

    async fn ask(&self) -> Result<Registration, RegistryError> {
        let (registry, app, address) = (&self.membership.key, &self.instance.app, &self.instance.address);
        let late = || RegistryError::new(format!("the registry did not answer within {REGISTER_WAIT:?}"));
        let asked = timeout(REGISTER_WAIT, self.membership.registry.register(self.instance.clone()));
        let registration = asked.await.unwrap_or_else(|_| Err(late()))?;
        match registration.is_held() {
            true => tracing::info!(registry, app, address, "registered"),
            false => tracing::warn!(registry, app, address, "not registered yet; it goes on trying"),
        }
        Ok(registration)
    }

    /// Leaves the registry. One that is away does not keep an app from stopping: it finds out by itself.
    async fn leave(&self, registration: Registration) {
        let (registry, app) = (&self.membership.key, &self.instance.app);
        match timeout(DEREGISTER_WAIT, registration.deregister()).await {
            Ok(Ok(())) => tracing::info!(registry, app, "deregistered"),
            Ok(Err(error)) => {
                let error: &(dyn Error + 'static) = &error;
                tracing::warn!(registry, app, error, "cannot deregister");
            }
            Err(_) => tracing::warn!(registry, app, "cannot deregister: the registry does not answer"),
        }
    }
}
