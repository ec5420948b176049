//! The connection of an endpoint, made when it is needed.
//!
//! In: an address. Out: a connection that takes requests. Concurrent callers wait for one dial, which goes on when they do
//! not. After a failure there is a pause, longer each time, in which callers get the failure at once.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::connection::Connection;
use super::dial;
use super::settings::Settings;
use crate::call::now;
use crate::chance;
use crate::client::address::Address;

/// The pause after the first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A dial that takes longer is left to itself by calls that can go elsewhere.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why there is no connection: `cannot connect to 10.1.0.7:9000: Connection refused (os error 111)`.
pub(super) type Cause = Arc<str>;

type Dialed = Result<Connection, Cause>;

pub(super) struct Dialer {
    address: Address,
    settings: Settings,
    line: Mutex<Line>,
    /// The last dial failed, or this one takes long. Then the endpoint is passed over, if there are others, until one
    /// succeeds.
    is_down: AtomicBool,
}

#[derive(Default)]
struct Line {
    state: State,
    /// Dials that failed since one succeeded.
    failures: u32,
}

#[derive(Default)]
enum State {
    /// Not tried yet, or closed.
    #[default]
    Hung,
    Dialing(watch::Receiver<Option<Dialed>>),
    Open(Connection),
    Failed {
        cause: Cause,
        until: Instant,
    },
}

/// What a caller finds.
enum Found {
    Open(Connection),
    Dialing(watch::Receiver<Option<Dialed>>),
    Failed(Cause),
}

impl Dialer {
    pub(super) fn new(address: Address, settings: Settings) -> Arc<Self> {
        Arc::new(Self { address, settings, line: Mutex::default(), is_down: AtomicBool::new(false) })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Relaxed)
    }

    pub(super) fn is_connected(&self) -> bool {
        match &mut self.line().state {
            State::Open(connection) => connection.is_open(),
            _ => false,
        }
    }

    /// A connection that takes requests; a caller that `can_leave` does not wait long for it.
    pub(super) async fn connection(self: &Arc<Self>, can_leave: bool) -> Dialed {
        let mut dialing = match self.find() {
            Found::Open(connection) => return Ok(connection),
            Found::Failed(cause) => return Err(cause),
            Found::Dialing(dialing) => dialing,
        };
        let dialed = async {
            let dialed = dialing.wait_for(Option::is_some).await.ok().and_then(|dialed| dialed.clone());
            dialed.unwrap_or_else(|| Err("the runtime that was to connect is gone".into()))
        };
        if !can_leave {
            return dialed.await;
        }
        timeout(PATIENCE, dialed).await.unwrap_or_else(|_| {
            Err(format!("cannot connect to {} in {} ms", self.address, PATIENCE.as_millis()).into())
        })
    }

    /// Dials if it is time to: for an endpoint that is down, and that nobody waits for.
    pub(super) fn knock(self: &Arc<Self>) {
        self.find();
    }

    fn find(self: &Arc<Self>) -> Found {
        let mut line = self.line();
        if let State::Open(connection) = &mut line.state
            && connection.is_open()
        {
            return Found::Open(connection.clone());
        }
        match &line.state {
            State::Failed { cause, until } if now() < *until => return Found::Failed(Arc::clone(cause)),
            // A dial that has no task any more lost it with its runtime.
            State::Dialing(dialing) if dialing.has_changed().is_ok() => {
                return Found::Dialing(dialing.clone());
            }
            _ => {}
        }
        if matches!(line.state, State::Open(_)) {
            self.settings.again.notify_one();
        }
        let (done, dialing) = watch::channel(None);
        line.state = State::Dialing(dialing.clone());
        let dialer = Arc::clone(self);
        tokio::spawn(async move {
            let mut dial = pin!(dial::dial(&dialer.address, &dialer.settings));
            let dialed = match timeout(PATIENCE, dial.as_mut()).await {
                Ok(dialed) => dialed,
                Err(_) => {
                    dialer.is_down.store(true, Relaxed);
                    dial.await
                }
            };
            // Those who wait may be gone.
            let _ = done.send(Some(dialer.dialed(dialed)));
        });
        Found::Dialing(dialing)
    }

    fn dialed(&self, dialed: io::Result<Connection>) -> Dialed {
        let mut line = self.line();
        self.is_down.store(dialed.is_err(), Relaxed);
        match dialed {
            Ok(connection) => {
                *line = Line { state: State::Open(connection.clone()), failures: 0 };
                Ok(connection)
            }
            Err(error) => {
                self.settings.again.notify_one();
                let cause: Cause = format!("cannot connect to {}: {error}", self.address).into();
                let pause = PAUSE.saturating_mul(1 << line.failures.min(10)).min(LONGEST_PAUSE);
                let until = now() + chance::jittered(pause);
                tracing::debug!(%cause, ?pause, "a connection failed");
                line.failures += 1;
                line.state = State::Failed { cause: Arc::clone(&cause), until };
                Err(cause)
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
