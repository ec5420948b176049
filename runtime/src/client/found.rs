//! Clients of servers that a registry tells.
//!
//! In: a target that names a registry, or the registries of an app; the group and the version of the service that are asked
//! for. Out: a client whose instances follow the registry, which stays open as long as the client. Never: a choice among
//! instances.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::balancing::Said;
use super::pool::Pool;
use super::transport::Transport;
use super::{BalancingSection, Client, ConnectError, Target, settings};
use crate::call::{GROUP, VERSION};
use crate::descriptor::Service;
use crate::error::{DomainError, known};
use crate::net::{ClientConnectionSection, ClientTlsSection};
use crate::registry::{
    Instances, Lookup, LookupError, Registry, RegistryError, RegistrySection, Wanted, without_passwords,
};

/// The group and the version that calls ask for, where records of instances do not say them.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    group: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

impl Asked {
    pub(super) fn of(group: &str, version: &str) -> Self {
        // `*` and lists are for choosing among records, which say one.
        let one = |text: &str| {
            HeaderValue::from_str(text).ok().filter(|_| !text.is_empty() && !text.contains(['*', ',']))
        };
        Self { group: one(group), version: one(version) }
    }

    /// Puts it into the metadata of a call that says nothing else.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [(GROUP, &self.group), (VERSION, &self.version)] {
            if let Some(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

impl Client {
    /// A client of the instances that `registry` has of the service's app.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime. That there are no instances is the error of a call, not of the client.
    pub fn find<E: DomainError>(
        service: &'static Service,
        registry: &dyn Registry,
    ) -> Result<Self, ConnectError> {
        let (connection, balancing) = (ClientConnectionSection::default(), BalancingSection::default());
        Self::find_with::<E>(service, registry, &connection, None, &balancing)
    }

    /// The same, with connections that are made and kept as is said; with certificates, encrypted ones; and with calls that
    /// choose among the instances as is said.
    ///
    /// # Errors
    ///
    /// Fails when the certificates cannot be read, and outside of a tokio runtime.
    pub fn find_with<E: DomainError>(
        service: &'static Service,
        registry: &dyn Registry,
        connection: &ClientConnectionSection,
        tls: Option<&ClientTlsSection>,
        balancing: &BalancingSection,
    ) -> Result<Self, ConnectError> {
        known::register::<E>();
        Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let instances = registry.watch(&Wanted::of(service));
        Self::of_instances(service, service.app, instances, connection, tls, &balancing.clone().into())
    }

    /// A client of what a target names in a registry. One that says no address is that of the registries that are
    /// `configured`, if one of them is of its kind.
    pub(super) fn look_up(
        service: &'static Service,
        target: &Target,
        configured: &[&RegistrySection],
    ) -> Result<Self, ConnectError> {
        let refused = |why| ConnectError::Target { target: without_passwords(&target.text), why };
        let lookup: Lookup = target.text.parse().map_err(|error: LookupError| refused(error.to_string()))?;
        let lookup = lookup.among(configured);
        let registry = lookup.registry().map_err(|error: RegistryError| refused(error.to_string()))?;
        let wanted = target.narrowed(lookup.wanted(service));
        let name = lookup.name().unwrap_or(service.app);
        Self::follow(service, name, &registry, &wanted, target)
    }

    /// A client of the instances that a registry has of the service's app, with what the target says beside a place.
    pub(crate) fn find_for<E: DomainError>(
        service: &'static Service,
        registry: &Arc<dyn Registry>,
        target: &Target,
    ) -> Result<Self, ConnectError> {
        known::register::<E>();
        Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let wanted = target.narrowed(Wanted::of(service));
        Self::follow(service, service.app, registry, &wanted, target)
    }

    /// A client of what is wanted of a registry, which is called `name` in metrics and errors.
    fn follow(
        service: &'static Service,
        name: &str,
        registry: &Arc<dyn Registry>,
        wanted: &Wanted,
        target: &Target,
    ) -> Result<Self, ConnectError> {
        let Target { connection, tls, balancing, .. } = target;
        let instances = registry.watch(wanted);
        let client = Self::of_instances(service, name, instances, connection, tls.as_ref(), balancing)?;
        let asked = Asked::of(&wanted.group, &wanted.version);
        Ok(Self { asked, _registry: Some(Arc::clone(registry)), ..client })
    }

    fn of_instances(
        service: &'static Service,
        name: &str,
        instances: watch::Receiver<Instances>,
        connection: &ClientConnectionSection,
        tls: Option<&ClientTlsSection>,
        balancing: &Said,
    ) -> Result<Self, ConnectError> {
        let mut settings = settings(name, connection, tls, balancing)?;
        settings.service = service.name;
        Ok(Self::new(service, name, Transport::Remote(Pool::of_app(name, instances, settings))))
    }
}
