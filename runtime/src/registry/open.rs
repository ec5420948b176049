//! From what a configuration says of a registry to the registry: the one place that knows every kind.
//!
//! In: a [`RegistrySection`]. Out: a [`Registry`]. Never: waiting for it; it connects when it is first used.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::section::{RegistryKind, RegistrySection};
use super::{MemoryRegistry, NoRegistry, Registry, RegistryError};

/// The registry that a section describes.
///
/// # Errors
///
/// Fails when the section was made by hand and its settings do not go together, or need a feature that is not built in.
pub fn open(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    section
        .check()
        .map_err(|misfit| RegistryError::new(format!("`{}`: {}", misfit.key.join("."), misfit.why)))?;
    match section.kind {
        RegistryKind::Memory => Ok(Arc::new(MemoryRegistry::shared())),
        RegistryKind::File => Ok(in_files(section)),
        RegistryKind::Etcd => in_etcd(section),
        RegistryKind::ZooKeeper => in_zookeeper(section),
        RegistryKind::None => Ok(Arc::new(NoRegistry)),
    }
}

/// The registries that are open and shared.
static SHARED: Mutex<Vec<(RegistrySection, Weak<dyn Registry>)>> = Mutex::new(Vec::new());

/// The registry that a section describes, the one that is open already if there is one. It stays open as long as anybody
/// has it. Registries of one place that are used in different ways are different ones.
///
/// # Errors
///
/// As [`open`].
pub fn shared(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    let usual = RegistrySection::default();
    // What an app says of itself there makes no difference.
    let key = RegistrySection {
        register: usual.register,
        discover: usual.discover,
        advertise: usual.advertise,
        weight: usual.weight,
        endpoints: section.members(),
        ..section.clone()
    };
    let mut open_ones = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    open_ones.retain(|(_, registry)| registry.strong_count() > 0);
    let known = open_ones.iter().find(|(known, _)| *known == key).and_then(|(_, known)| known.upgrade());
    if let Some(known) = known {
        return Ok(known);
    }
    let registry = open(&key)?;
    open_ones.push((key, Arc::downgrade(&registry)));
    Ok(registry)
}

#[cfg(feature = "etcd")]
fn in_etcd(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    use std::time::Duration;

    use super::{EtcdOptions, EtcdRegistry, Secret};

    // Checked by whoever opens it.
    let layouts = section.spoken().unwrap_or_default();
    let etcd = EtcdOptions::at(section.members(), layouts)
        .ttl(Duration::from_millis(section.ttl_ms))
        .empty_protection(section.empty_protection);
    let etcd = match (&section.user, &section.password) {
        (Some(user), password) => etcd.user(user, password.as_ref().map_or("", Secret::reveal)),
        (None, _) => etcd,
    };
    let etcd = match section.tls.clone() {
        Some(tls) => etcd.tls(tls),
        None => etcd,
    };
    Ok(Arc::new(EtcdRegistry::new(etcd)))
}

#[cfg(not(feature = "etcd"))]
fn in_etcd(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::section::needs("etcd")))
}

#[cfg(feature = "zookeeper")]
fn in_zookeeper(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    use std::time::Duration;

    use super::{Secret, ZooKeeperOptions, ZooKeeperRegistry};

    // Checked by whoever opens it.
    let layouts = section.spoken().unwrap_or_default();
    let zookeeper = ZooKeeperOptions::at(section.members(), layouts)
        .ttl(Duration::from_millis(section.ttl_ms))
        .empty_protection(section.empty_protection);
    let zookeeper = match (&section.user, &section.password) {
        (Some(user), password) => zookeeper.user(user, password.as_ref().map_or("", Secret::reveal)),
        (None, _) => zookeeper,
    };
    Ok(Arc::new(ZooKeeperRegistry::new(zookeeper)))
}

#[cfg(not(feature = "zookeeper"))]
fn in_zookeeper(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::section::needs("zookeeper")))
}

#[cfg(unix)]
fn in_files(section: &RegistrySection) -> Arc<dyn Registry> {
    use super::FileRegistry;

    Arc::new(section.path.as_ref().map_or_else(FileRegistry::of_user, FileRegistry::at))
}

#[cfg(not(unix))]
fn in_files(_: &RegistrySection) -> Arc<dyn Registry> {
    tracing::warn!("the registry `file` needs a Unix system: only apps of this process find each other");
    Arc::new(MemoryRegistry::shared())
}
