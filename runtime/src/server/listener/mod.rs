//! Connections: from a listener to the router.
//!
//! In: a listener, a signal to stop. Out: hyper's HTTP/2 connections, each a task. When the signal comes no more
//! connections are taken, the open ones are told (GOAWAY), finish their calls, and are dropped when the time is up.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

mod body;
mod connection;
mod stalled;
mod workers;

use super::ServeError;
use super::router::Router;
use crate::net::{Acceptor, ConnectionSection, Listener, Peer, Plain, TlsSection};
use connection::Shared;
pub use workers::RuntimeKind;
use workers::Workers;

/// That a server is full is said so often at most.
const SAY_FULL_EVERY: Duration = Duration::from_secs(10);

/// Everything that connections need, checked and started, before there is one.
pub(crate) struct Ready {
    shared: Arc<Shared>,
    workers: Workers,
}

impl Ready {
    pub(super) fn new(
        router: Router,
        settings: ConnectionSection,
        tls: Option<&TlsSection>,
        runtime: RuntimeKind,
    ) -> Result<Self, ServeError> {
        settings.check()?;
        let tls = tls.map(Acceptor::load).transpose()?;
        let workers = Workers::start(runtime).map_err(ServeError::Threads)?;
        Ok(Self { shared: Arc::new(Shared { router, settings, tls }), workers })
    }

    /// Serves until `shutdown` is ready, then drains for at most `drain`. Returns how many connections had to be cut.
    pub(crate) async fn serve(
        self,
        listener: Listener,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> usize {
        let (stop, stopped) = watch::channel(false);
        let mut open = Open { ready: self, stopped, connections: JoinSet::new(), said_full: None };
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = open.connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => open.add(stream, peer),
                    Err(error) => wait_after(&error).await,
                },
            }
        }
        drop(listener);
        stop.send_replace(true);
        let Open { mut connections, .. } = open;
        let drained = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
        let cut = if drained.is_ok() { 0 } else { connections.len() };
        connections.shutdown().await;
        cut
    }
}

/// The connections that there are.
struct Open {
    ready: Ready,
    stopped: watch::Receiver<bool>,
    connections: JoinSet<()>,
    said_full: Option<Instant>,
}

impl Open {
    fn add(&mut self, stream: Plain, peer: Peer) {
        let shared = Arc::clone(&self.ready.shared);
        let max = shared.settings.max;
        if max > 0 && self.connections.len() >= max {
            return self.say_full(max);
        }
        let stopped = self.stopped.clone();
        let Some((runtime, carried)) = self.ready.workers.least_loaded() else {
            self.connections.spawn(connection::serve(shared, stream, peer, stopped));
            return;
        };
        match stream.detach() {
            Ok(stream) => {
                let moved = async move {
                    let _carried = carried;
                    match stream.attach() {
                        Ok(stream) => connection::serve(shared, stream, peer, stopped).await,
                        Err(error) => tracing::warn!(%error, "cannot move a connection to another thread"),
                    }
                };
                self.connections.spawn_on(moved, runtime);
            }
            Err(error) => tracing::warn!(%error, "cannot move a connection to another thread"),
        }
    }

    /// A caller that is closed at once tries another instance; one that waits does not.
    fn say_full(&mut self, max: usize) {
        if self.said_full.is_none_or(|said| said.elapsed() > SAY_FULL_EVERY) {
            self.said_full = Some(Instant::now());
            tracing::warn!(max, "a connection was refused: there are `max` of [server.connection] already");
        }
    }
}

/// One connection that failed before it was taken is its own affair; too many open files get better with time.
async fn wait_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::warn!(%error, "cannot accept connections");
        sleep(Duration::from_millis(50)).await;
    }
}
