//! The registries of an app.
//!
//! In: `[registry]` and `[registries]`. Out: where the app is registered, and where it finds others. Never: one of several
//! that cannot be used keeping the app from the others.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::AppConfig;
use crate::registry::{
    Instance, Instances, NoRegistry, Registration, Registries, Registry, RegistryError, RegistrySection,
    Wanted, open,
};

/// Where an app is registered, and where it finds others.
#[derive(Debug)]
pub(super) struct Memberships {
    pub(super) own: Vec<Membership>,
    pub(super) others: Arc<dyn Registry>,
}

/// A registry in which an app is registered.
#[derive(Debug)]
pub(super) struct Membership {
    /// What the configuration calls it: `registry`, `registries.old`.
    pub(super) key: String,
    pub(super) registry: Arc<dyn Registry>,
    /// Where callers connect, if that is not where it listens.
    pub(super) advertise: Option<String>,
    /// The share of calls that it wants.
    pub(super) weight: u32,
}

impl Memberships {
    /// What a configuration says. `[registry]` counts first, then the others in the order of their names.
    pub(super) fn of(config: &AppConfig) -> Self {
        let more = config.registries.iter().map(|(name, section)| (format!("registries.{name}"), section));
        let all = [("registry".to_owned(), &config.registry)].into_iter().chain(more);
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (key, section) in all {
            let registry = opened(&key, section);
            if section.discover {
                others.push(Arc::clone(&registry));
            }
            if section.register {
                let advertise = section.advertise.clone().or_else(|| config.registry.advertise.clone());
                own.push(Membership { key, registry, advertise, weight: section.weight });
            }
        }
        Self { own, others: one_of(others) }
    }

    /// One registry, with what the configuration says of `[registry]` beside where it is.
    pub(super) fn in_one(registry: Arc<dyn Registry>, config: &AppConfig) -> Self {
        let RegistrySection { advertise, weight, .. } = config.registry.clone();
        let own =
            Membership { key: "registry".to_owned(), registry: Arc::clone(&registry), advertise, weight };
        Self { own: vec![own], others: registry }
    }
}

fn one_of(mut registries: Vec<Arc<dyn Registry>>) -> Arc<dyn Registry> {
    match (registries.pop(), registries.is_empty()) {
        (None, _) => Arc::new(NoRegistry),
        (Some(only), true) => only,
        (Some(last), false) => Arc::new(Registries::new(registries.into_iter().chain([last]))),
    }
}

fn opened(key: &str, section: &RegistrySection) -> Arc<dyn Registry> {
    open(section).unwrap_or_else(|error| Arc::new(Unusable(format!("[{key}]: {error}"))))
}

/// A registry that a program has described wrongly; a configuration that does was refused when it was read.
#[derive(Debug)]
struct Unusable(String);

impl Registry for Unusable {
    fn register(&self, _: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(std::future::ready(Err(RegistryError::new(self.0.clone()))))
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        tracing::error!(app = wanted.app, why = self.0, "nobody can be found in this registry");
        NoRegistry.watch(wanted)
    }
}
