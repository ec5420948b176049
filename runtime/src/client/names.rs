//! The names in a target, looked up again and again.
//!
//! In: addresses, some of them by name. Out: the places that they stand for now, each as an instance whose id is the place. Names
//! are looked up with the first call, after connections that were lost or cannot be made, and now and then. Never: an answer
//! that is forgotten because the next lookup fails.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::lookup_host;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::address::{Address, Place};
use crate::chance;
use crate::registry::{Instance, Instances};

/// How often names are looked up while nothing happens, and how often at most.
const INTERVAL: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_secs(1);

/// A first lookup that takes longer is left to the connections, which wait for it and say what became of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The places of addresses; `again` is told when they are needed, and when somebody is not reached there.
pub(super) fn watch(addresses: Vec<Address>, again: Arc<Notify>) -> watch::Receiver<Instances> {
    if !addresses.iter().any(Address::is_name) {
        return watch::channel(list(&addresses, &vec![Vec::new(); addresses.len()])).1;
    }
    let (told, places) = watch::channel(Instances::default());
    tokio::spawn(async move {
        tokio::select! {
            () = told.closed() => {}
            () = follow(&addresses, &again, &told) => {}
        }
    });
    places
}

async fn follow(addresses: &[Address], again: &Notify, told: &watch::Sender<Instances>) {
    let mut known = vec![Vec::new(); addresses.len()];
    let tell = |known: &[Vec<SocketAddr>]| {
        let now = list(addresses, known);
        told.send_if_modified(|before| {
            let is_other = *before != now;
            *before = now;
            is_other
        });
    };
    again.notified().await;
    loop {
        let mut looking = pin!(join_all(addresses.iter().map(places)));
        let found = match timeout(PATIENCE, looking.as_mut()).await {
            Ok(found) => found,
            Err(_) => {
                tell(&known);
                looking.await
            }
        };
        for (known, found) in known.iter_mut().zip(found) {
            if !found.is_empty() {
                *known = found;
            }
        }
        tell(&known);
        sleep(SHORTEST).await;
        // Either way it is time.
        let _ = timeout(chance::jittered(INTERVAL), again.notified()).await;
    }
}

/// What a name stands for; nothing if that cannot be found out, or if it is no name.
async fn places(address: &Address) -> Vec<SocketAddr> {
    let Place::Tcp { host, port, .. } = &address.place else { return Vec::new() };
    if !address.is_name() {
        return Vec::new();
    }
    match lookup_host((host.as_str(), *port)).await {
        Ok(found) => {
            let mut places: Vec<_> = found.collect();
            places.sort_unstable();
            places
        }
        Err(error) => {
            tracing::debug!(host, %error, "a name cannot be looked up");
            Vec::new()
        }
    }
}

/// All places once, and addresses of which no place is known as they are.
fn list(addresses: &[Address], known: &[Vec<SocketAddr>]) -> Instances {
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for (address, places) in addresses.iter().zip(known) {
        let text = address.to_string();
        if places.is_empty() {
            list.push(Arc::new(Instance::new("", text)));
            continue;
        }
        for place in places.iter().filter(|place| seen.insert(**place)) {
            list.push(Arc::new(Instance { id: place.to_string(), ..Instance::new("", &text) }));
        }
    }
    list.into()
}
