//! What is told of an app where it is registered.
//!
//! In: its services, its configuration, where it and its governor listen. Out: an [`Instance`] for each app id among its
//! services. Never: a place that callers cannot reach.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::advertise;
use super::registries::Membership;
use super::{AppConfig, AppError, AppSection};
use crate::net::Address;
use crate::registry::{Instance, Provided};

/// An app that listens.
pub(super) struct Listening<'a> {
    /// Its services, each with the app that it is of.
    pub(super) provided: &'a [(&'static str, Provided)],
    pub(super) config: &'a AppConfig,
    pub(super) bound: &'a Address,
    pub(super) governor: Option<SocketAddr>,
}

impl Listening<'_> {
    /// One instance for each app id among the services: callers look for the app of the service they call.
    pub(super) fn instances(&self, membership: &Membership) -> Result<Vec<Instance>, AppError> {
        let address = advertise::address(membership.advertise.as_ref(), self.bound)?;
        let governor = self.governor.and_then(|governor| reachable(governor, &address)).unwrap_or_default();
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut apps: BTreeMap<&str, Vec<Provided>> = BTreeMap::new();
        for (app, service) in self.provided {
            apps.entry(app).or_default().push(service.clone());
        }
        let app = &self.config.app;
        let instance = |(id, mut services): (&str, Vec<Provided>)| {
            services.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            Instance {
                services,
                weight: membership.weight,
                zone: membership.said(&app.zone, "ZONE").unwrap_or_default(),
                host: membership.said(&app.host, "HOST").unwrap_or_else(machine),
                version: app.version.clone(),
                metadata: metadata(app),
                colour: app.colour.clone(),
                started: u64::try_from(started).unwrap_or_default(),
                governor: governor.clone(),
                ..Instance::new(id, &address)
            }
        };
        Ok(apps.into_iter().map(instance).collect())
    }
}

/// The metadata of an app, with its cluster.
fn metadata(app: &AppSection) -> BTreeMap<String, String> {
    let mut metadata = app.metadata.clone();
    if !app.cluster.is_empty() {
        metadata.insert(Instance::CLUSTER.to_owned(), app.cluster.clone());
    }
    metadata
}

/// Where those who call `advertised` reach the governor; nowhere, if it listens to its own machine and they are others.
fn reachable(governor: SocketAddr, advertised: &str) -> Option<String> {
    let (host, _) = advertised.rsplit_once(':').filter(|_| !advertised.starts_with("unix:"))?;
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    match governor.ip() {
        all if all.is_unspecified() => Some(format!("{host}:{}", governor.port())),
        own if own.is_loopback() && !is_here => None,
        _ => Some(governor.to_string()),
    }
}

/// The name of this machine, or of the container that looks like one.
fn machine() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_governor_is_told_to_those_who_reach_it() {
        for (governor, advertised, told) in [
            ("127.0.0.1:9001", "10.1.0.7:9000", None),
            ("127.0.0.1:9001", "127.0.0.1:9000", Some("127.0.0.1:9001")),
            ("[::1]:9001", "localhost:9000", Some("[::1]:9001")),
            ("0.0.0.0:9001", "10.1.0.7:9000", Some("10.1.0.7:9001")),
            ("[::]:9001", "[fd00::7]:80", Some("[fd00::7]:9001")),
            ("0.0.0.0:9001", "orders.internal:80", Some("orders.internal:9001")),
            ("10.2.0.7:9001", "orders.internal:80", Some("10.2.0.7:9001")),
            ("127.0.0.1:9001", "unix:/run/orders.sock", None),
        ] {
            let found = reachable(governor.parse().expect("an address"), advertised);
            assert_eq!(found.as_deref(), told, "{governor} beside {advertised}");
        }
        assert!(!machine().is_empty());
    }
}
