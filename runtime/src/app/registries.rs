//! The registries of an app.
//!
//! In: `[registry]` and `[registries]`. Out: where the app is registered, and where it finds others. Never: one of several
//! that cannot be used keeping the app from the others.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::AppConfig;
use super::advertise::Advertised;
use crate::registry::{
    Instance, Instances, NoRegistry, Registration, Registries, Registry, RegistryError, RegistrySection,
    Wanted, shared,
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
    pub(super) advertise: Option<Advertised>,
    /// The share of calls that it wants.
    pub(super) weight: u32,
    /// Whether Jupiter's programs are there.
    is_jupiter: bool,
}

impl Membership {
    /// What the configuration says of the app, or the variable that Jupiter's programs have for it: `APP_ZONE`.
    pub(super) fn said(&self, configured: &str, variable: &str) -> Option<String> {
        let by_variable = || variable_of(&format!("APP_{variable}")).filter(|_| self.is_jupiter);
        Some(configured.to_owned()).filter(|text| !text.is_empty()).or_else(by_variable)
    }
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
                let own_address = advertised(&key, section);
                let advertise = own_address.or_else(|| advertised("registry", &config.registry));
                own.push(Membership {
                    registry,
                    advertise: advertise.or_else(|| by_environment(section)),
                    weight: section.weight,
                    is_jupiter: section.names().contains(&"jupiter"),
                    key,
                });
            }
        }
        Self { own, others: one_of(others) }
    }

    /// One registry, with what the configuration says of `[registry]` beside where it is.
    pub(super) fn in_one(registry: Arc<dyn Registry>, config: &AppConfig) -> Self {
        let section = &config.registry;
        let own = Membership {
            key: "registry".to_owned(),
            registry: Arc::clone(&registry),
            advertise: advertised("registry", section),
            weight: section.weight,
            is_jupiter: false,
        };
        Self { own: vec![own], others: registry }
    }
}

/// What a section says of where callers connect.
fn advertised(key: &str, section: &RegistrySection) -> Option<Advertised> {
    let origin = format!("the `advertise` of [{key}]");
    section.advertise.clone().map(|text| Advertised { text, origin })
}

/// What the variables of the ecosystems that are there say of it: `DUBBO_IP_TO_REGISTRY`, `KITEX_PORT_TO_REGISTRY`.
fn by_environment(section: &RegistrySection) -> Option<Advertised> {
    let names = section.names();
    let families = [("DUBBO", "dubbo-"), ("KITEX", "kitex")];
    let mut there =
        families.into_iter().filter(|(_, family)| names.iter().any(|name| name.starts_with(family)));
    there.find_map(|(prefix, _)| {
        let variable = format!("{prefix}_IP_TO_REGISTRY");
        let ip = variable_of(&variable)?;
        let text = match variable_of(&format!("{prefix}_PORT_TO_REGISTRY")) {
            Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
            Some(port) => format!("{ip}:{port}"),
            None => ip,
        };
        Some(Advertised { text, origin: format!("the variable {variable}") })
    })
}

fn variable_of(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn one_of(mut registries: Vec<Arc<dyn Registry>>) -> Arc<dyn Registry> {
    match (registries.pop(), registries.is_empty()) {
        (None, _) => Arc::new(NoRegistry),
        (Some(only), true) => only,
        (Some(last), false) => Arc::new(Registries::new(registries.into_iter().chain([last]))),
    }
}

fn opened(key: &str, section: &RegistrySection) -> Arc<dyn Registry> {
    shared(section).unwrap_or_else(|error| Arc::new(Unusable(format!("[{key}]: {error}"))))
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
