//! The client's connections.
//!
//! In: calls, and where their server is: at one address, or wherever a registry says. Out: responses. Each call chooses an
//! endpoint; each endpoint has one connection, made when it is first needed. A call that no server looked at is sent again,
//! wherever it may be: that is no retry, nothing happened yet. Never: policy. What a server saw is not sent twice.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

mod abort;
mod connection;
mod dial;
mod dialer;
mod ejection;
mod endpoint;
mod exchange;
mod keep_alive;
mod latency;
mod set;
mod settings;
#[cfg(test)]
mod simulation;
mod snapshot;
mod socket;
mod table;
mod ticket;
mod upload;

use endpoint::Endpoint;
use exchange::exchange;
use set::{Member, Set};
pub(super) use settings::Settings;
pub use snapshot::{EndpointState, endpoints};
use ticket::Ticket;
pub(super) use upload::Upload;

use super::address::Address;
use super::response;
use crate::call::Call;
use crate::registry::{Instance, Instances};

/// How long a call waits for an app that has no instances.
const WAIT: Duration = Duration::from_secs(2);

/// How often a call is sent that no server looks at.
const ATTEMPTS: usize = 5;

/// Endpoints, and the calls that go to them.
pub(super) struct Pool {
    /// What is looked for: an address, or the id of an app.
    name: String,
    known: RwLock<Known>,
    /// The instances of an app; nothing for an address.
    instances: Option<watch::Receiver<Instances>>,
    settings: Settings,
}

/// What was last made of the instances.
struct Known {
    list: Instances,
    set: Arc<Set>,
}

impl Pool {
    /// The pool of one address, or of several that mean the same.
    pub(super) fn of_addresses(addresses: Vec<Address>, settings: Settings) -> Arc<Self> {
        let name = addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(",");
        let member = |address| Member {
            endpoint: Endpoint::new(address, &settings),
            weight: Instance::DEFAULT_WEIGHT,
        };
        let members = addresses.into_iter().map(member).collect();
        Self::new(name, Set::empty().changed(members), None, settings)
    }

    /// The pool of an app whose instances are told.
    pub(super) fn of_app(app: &str, instances: watch::Receiver<Instances>, settings: Settings) -> Arc<Self> {
        Self::new(app.to_owned(), Set::empty(), Some(instances), settings)
    }

    fn new(
        name: String,
        set: Arc<Set>,
        instances: Option<watch::Receiver<Instances>>,
        settings: Settings,
    ) -> Arc<Self> {
        let known = RwLock::new(Known { list: Instances::default(), set });
        let pool = Arc::new(Self { name, known, instances, settings });
        snapshot::remember(&pool);
        pool
    }

    /// Sends a call and waits for the head of its response. `head` makes the head of the request, each time that it is
    /// sent: the time that is left is in it.
    pub(super) async fn send(
        &self,
        call: &Call,
        mut head: impl FnMut() -> Result<Request<()>, Status>,
        upload: Upload,
    ) -> Result<Response<Body>, Status> {
        let mut upload = Some(upload);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let ticket = self.pick(call).await?;
            let endpoint = Arc::clone(ticket.endpoint());
            let failed = match endpoint.dialer.connection(ticket.has_others()).await {
                Ok(connection) => {
                    let head = endpoint.dialer.address().absolute(head()?);
                    match exchange(connection, head, &mut upload, ticket).await {
                        Ok(response) => return Ok(response),
                        Err(broken) if !broken.is_unprocessed => {
                            return Err(response::broken_off(broken.error, call));
                        }
                        Err(broken) => response::unsent(format!("no request is taken: {}", broken.error)),
                    }
                }
                Err(cause) => response::unsent(cause.to_string()),
            };
            if attempts == ATTEMPTS || !upload.as_mut().is_some_and(Upload::rewind) {
                return Err(failed);
            }
            tracing::debug!(to = self.name, attempts, %failed, "a call that nobody saw is sent again");
        }
    }

    /// Chooses an endpoint, waiting for one if need be.
    async fn pick(&self, call: &Call) -> Result<Ticket, Status> {
        if let Some(ticket) = self.set().pick(call) {
            return Ok(ticket);
        }
        if let Some(instances) = &self.instances {
            // The caller's own time is left a little of, so that it is told what was missing and not only that it was late.
            let wait = call.remaining().map_or(WAIT, |left| WAIT.min(left - left / 10));
            let mut instances = instances.clone();
            // Either end of the waiting is looked at in the same way.
            let _ = timeout(wait, instances.wait_for(|list| list.iter().any(wants_calls))).await;
        }
        let nobody = || response::unsent(format!("the registry has no instance of `{}`", self.name));
        self.set().pick(call).ok_or_else(nobody)
    }

    /// The endpoints of the list as it is now.
    fn set(&self) -> Arc<Set> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(instances) = &self.instances else {
            return Arc::clone(&known.set);
        };
        if Arc::ptr_eq(&known.list, &instances.borrow()) {
            return Arc::clone(&known.set);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let list = Arc::clone(&instances.borrow());
        if !Arc::ptr_eq(&known.list, &list) {
            let members = members(&list, known.set.members(), &self.settings);
            *known = Known { set: known.set.changed(members), list };
        }
        Arc::clone(&known.set)
    }
}

fn wants_calls(instance: &Instance) -> bool {
    instance.weight > 0
}

/// The endpoints of a list; those that were there keep their connection and what is known of them.
fn members(list: &[Instance], last: &[Member], settings: &Settings) -> Vec<Member> {
    let last: HashMap<String, &Member> =
        last.iter().map(|member| (member.endpoint.dialer.address().to_string(), member)).collect();
    let member = |instance: &Instance| match Address::read(&instance.address, settings.is_tls()) {
        Ok(address) => {
            let endpoint = match last.get(&address.to_string()) {
                Some(known) => Arc::clone(&known.endpoint),
                None => Endpoint::new(address, settings),
            };
            Some(Member { endpoint, weight: instance.weight })
        }
        // One bad record hides no other.
        Err(error) => {
            tracing::warn!(app = instance.app, %error, "an instance has no usable address");
            None
        }
    };
    list.iter().filter(|instance| wants_calls(instance)).filter_map(member).collect()
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name).field("endpoints", &self.set().members()).finish()
    }
}
