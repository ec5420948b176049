//! From what a configuration says of a registry to the registry: the one place that knows every kind.
//!
//! In: a [`RegistrySection`]. Out: a [`Registry`]. Never: waiting for it; it connects when it is first used.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::kind::RegistryKind;
#[cfg(any(feature = "etcd", feature = "zookeeper", feature = "nacos"))]
use super::layout;
use super::section::{Misfit, RegistrySection};
use super::{MemoryRegistry, NoRegistry, Registry, RegistryError};

/// The registry that a section describes.
///
/// # Errors
///
/// Fails when the section was made by hand and its settings do not go together, or need a feature that is not built in.
pub fn open(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    section.check().map_err(refused)?;
    match section.kind {
        RegistryKind::Memory => Ok(Arc::new(MemoryRegistry::shared())),
        RegistryKind::File => Ok(in_files(section)),
        RegistryKind::Etcd => in_etcd(section),
        RegistryKind::ZooKeeper => in_zookeeper(section),
        RegistryKind::Nacos => in_nacos(section),
        RegistryKind::Discovery => in_discovery(section),
        RegistryKind::None => Ok(Arc::new(NoRegistry)),
    }
}

fn refused(misfit: Misfit) -> RegistryError {
    RegistryError::new(format!("`{}`: {}", misfit.key.join("."), misfit.why))
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

    use super::{EtcdOptions, EtcdRegistry};

    let layouts = section.spoken(layout::by_name).map_err(refused)?;
    let etcd = EtcdOptions::at(section.members(), layouts)
        .ttl(Duration::from_millis(section.ttl_ms))
        .empty_protection(section.empty_protection);
    let etcd = match section.asking() {
        Some((user, password)) => etcd.user(user, password),
        None => etcd,
    };
    let etcd = match section.tls.clone() {
        Some(tls) => etcd.tls(tls),
        None => etcd,
    };
    Ok(Arc::new(EtcdRegistry::new(etcd)))
}

#[cfg(not(feature = "etcd"))]
fn in_etcd(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::kind::needs("etcd")))
}

#[cfg(feature = "zookeeper")]
fn in_zookeeper(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    use std::time::Duration;

    use super::{ZooKeeperOptions, ZooKeeperRegistry};

    let layouts = section.spoken(layout::by_name).map_err(refused)?;
    let zookeeper = ZooKeeperOptions::at(section.members(), layouts)
        .ttl(Duration::from_millis(section.ttl_ms))
        .empty_protection(section.empty_protection);
    let zookeeper = match section.asking() {
        Some((user, password)) => zookeeper.user(user, password),
        None => zookeeper,
    };
    Ok(Arc::new(ZooKeeperRegistry::new(zookeeper)))
}

#[cfg(not(feature = "zookeeper"))]
fn in_zookeeper(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::kind::needs("zookeeper")))
}

#[cfg(feature = "nacos")]
fn in_nacos(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    use super::{NacosOptions, NacosRegistry, NacosSection};

    let layouts = section.spoken(layout::Nacos::by_name).map_err(refused)?;
    let mut nacos = NacosOptions::at(section.members(), layouts).empty_protection(section.empty_protection);
    if let Some((user, password)) = section.asking() {
        nacos = nacos.user(user, password);
    }
    if let Some(tls) = section.tls.clone() {
        nacos = nacos.tls(tls);
    }
    let NacosSection { namespace, group, cluster } = section.nacos.clone().unwrap_or_default();
    if let Some(namespace) = namespace {
        nacos = nacos.namespace(namespace);
    }
    if let Some(group) = group {
        nacos = nacos.group(group);
    }
    if let Some(cluster) = cluster {
        nacos = nacos.cluster(cluster);
    }
    Ok(Arc::new(NacosRegistry::new(nacos)))
}

#[cfg(not(feature = "nacos"))]
fn in_nacos(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::kind::needs("nacos")))
}

#[cfg(feature = "discovery")]
fn in_discovery(section: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    use super::{DiscoveryOptions, DiscoveryRegistry};

    let place = section.in_discovery();
    let layouts = section.spoken(|name, options| place.layout(name, options)).map_err(refused)?;
    let layout = layouts.into_iter().next().ok_or_else(|| RegistryError::new("there is no layout"))?;
    let discovery =
        DiscoveryOptions::at(section.members(), layout).empty_protection(section.empty_protection);
    Ok(Arc::new(DiscoveryRegistry::new(discovery)))
}

#[cfg(not(feature = "discovery"))]
fn in_discovery(_: &RegistrySection) -> Result<Arc<dyn Registry>, RegistryError> {
    Err(RegistryError::new(super::kind::needs("discovery")))
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
