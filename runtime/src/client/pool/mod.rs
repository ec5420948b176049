//! The client's connections.
//!
//! In: calls, and where their server is: at addresses, by name or not, or wherever a registry says. Out: responses. Each call chooses an
//! endpoint; each endpoint has one connection, made when it is first needed. A call that no server looked at is sent again,
//! wherever it may be: that is no retry, nothing happened yet. Never: policy. What a server saw is not sent twice.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

mod abort;
mod clock;
mod connection;
mod count;
mod dial;
mod dialer;
mod ejection;
mod endpoint;
mod exchange;
mod keep_alive;
mod latency;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod measuring;
mod member;
mod picking;
mod ring;
mod routes;
mod set;
mod settings;
#[cfg(test)]
mod simulation;
mod snapshot;
mod socket;
mod subset;
mod table;
mod ticket;
mod tier;
mod upload;
mod wheel;

use abort::AbortOnDrop;
use exchange::exchange;
use set::Set;
pub(super) use settings::Settings;
pub use snapshot::{EndpointState, endpoints};
use ticket::Ticket;
pub(super) use upload::Upload;

use super::address::Address;
use super::{BalancingSection, ConnectError, names, refused, response};
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
    known: watch::Sender<Known>,
    /// Held by the one who makes what is known next.
    making: Mutex<()>,
    instances: watch::Receiver<Instances>,
    /// Whether a registry tells them, and no program.
    is_told: bool,
    settings: Settings,
    _follower: AbortOnDrop<()>,
}

/// What was last made of the instances.
struct Known {
    list: Instances,
    set: Arc<Set>,
}

impl Pool {
    /// The pool of one address, or of several that mean the same, and of all that their names stand for.
    pub(super) fn of_addresses(addresses: Vec<Address>, settings: Settings) -> Arc<Self> {
        let names: Vec<String> = addresses.iter().map(Address::to_string).collect();
        let places = names::watch(addresses, Arc::clone(&settings.again));
        Self::new(names.join(","), places, false, settings)
    }

    /// The pool of an app whose instances are told.
    pub(super) fn of_app(app: &str, instances: watch::Receiver<Instances>, settings: Settings) -> Arc<Self> {
        Self::new(app.to_owned(), instances, true, settings)
    }

    fn new(
        name: String,
        instances: watch::Receiver<Instances>,
        is_told: bool,
        settings: Settings,
    ) -> Arc<Self> {
        let list = Arc::clone(&instances.borrow());
        let set = Set::default().changed(&list, &settings, is_told);
        let known = watch::Sender::new(Known { list, set });
        let pool = Arc::new_cyclic(|pool| {
            let follower = AbortOnDrop::new(tokio::spawn(follow(Weak::clone(pool), instances.clone())));
            Self { name, known, making: Mutex::default(), instances, is_told, settings, _follower: follower }
        });
        snapshot::remember(&pool);
        pool
    }

    /// Another pool of the same, whose calls choose as is said here, too.
    pub(super) fn balanced(&self, section: &BalancingSection) -> Result<Arc<Self>, ConnectError> {
        Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let balancing = self.settings.balancing.and(section).map_err(|error| refused(&self.name, &error))?;
        let settings = Settings { balancing: Arc::new(balancing), ..self.settings.clone() };
        Ok(Self::new(self.name.clone(), self.instances.clone(), self.is_told, settings))
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
        self.settings.again.notify_one();
        // The caller's own time is left a little of, so that it is told what was missing and not only that it was late.
        let wait = call.remaining().map_or(WAIT, |left| WAIT.min(left - left / 10));
        if let Ok(Some(ticket)) = timeout(wait, self.pick_later(call)).await {
            return Ok(ticket);
        }
        Err(response::unsent(self.nobody(call)))
    }

    /// Chooses an endpoint as soon as there is one; `None` when nobody tells of any more.
    async fn pick_later(&self, call: &Call) -> Option<Ticket> {
        let mut made = self.known.subscribe();
        let mut instances = self.instances.clone();
        loop {
            made.mark_unchanged();
            instances.mark_unchanged();
            let ticket = self.set().pick(call);
            if ticket.is_some() {
                return ticket;
            }
            tokio::select! {
                _ = made.changed() => {}
                told = instances.changed() => told.ok()?,
            }
        }
    }

    /// Why a call can go nowhere.
    fn nobody(&self, call: &Call) -> String {
        let name = &self.name;
        match call.colour() {
            _ if !self.is_told => format!("`{name}` is still looked up"),
            _ if self.set().members().is_empty() => format!("the registry has no instance of `{name}`"),
            None => format!("the registry has no instance of `{name}` for calls without a colour"),
            Some(colour) => {
                format!("the registry has no instance of `{name}` for calls of the colour `{colour}`")
            }
        }
    }

    /// The endpoints of the list as it is now. While somebody makes them of one that is new, the others go by those before.
    fn set(&self) -> Arc<Set> {
        let (set, is_current) = self.known();
        if is_current {
            return set;
        }
        let Ok(_alone) = self.making.try_lock() else { return set };
        let (mut set, is_current) = self.known();
        if !is_current {
            let list = Arc::clone(&self.instances.borrow());
            set = set.changed(&list, &self.settings, self.is_told);
            self.known.send_replace(Known { list, set: Arc::clone(&set) });
        }
        set
    }

    /// The endpoints that were made last, and whether they are those of the list as it is now.
    fn known(&self) -> (Arc<Set>, bool) {
        let known = self.known.borrow();
        let is_newest = Arc::ptr_eq(&known.list, &self.instances.borrow());
        (Arc::clone(&known.set), is_newest && known.set.is_current())
    }
}

/// Makes the endpoints of each list that is told, so that calls find them made.
async fn follow(pool: Weak<Pool>, mut instances: watch::Receiver<Instances>) {
    while instances.changed().await.is_ok() {
        let Some(pool) = pool.upgrade() else { return };
        pool.set();
    }
}

/// Whether an instance is to be called; an operator, or itself, may say that it is not.
fn wants_calls(instance: &Instance) -> bool {
    instance.enabled && instance.weight > 0
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name).field("endpoints", &self.set().members()).finish()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_list_is_ready_before_a_call_comes_and_holds_none_up() {
        let (told, instances) = watch::channel(Instances::default());
        let pool = Pool::of_app("a.b.c", instances, Settings::usual());
        told.send_replace([Arc::new(Instance::new("a.b.c", "10.1.0.7:9000"))].into());
        assert!(!pool.known().1);
        while !pool.known().1 {
            yield_now().await;
        }
        assert_eq!(pool.known().0.members().len(), 1);

        told.send_replace(Instances::default());
        let somebody = pool.making.try_lock().unwrap();
        assert_eq!(pool.set().members().len(), 1, "those before");
        drop(somebody);
        assert_eq!(pool.set().members().len(), 0);

        drop(pool);
        timeout(Duration::from_secs(5), told.closed()).await.unwrap();
    }
}
