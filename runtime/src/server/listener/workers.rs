//! Where connections run: on the runtime of the server, or each on one of several runtimes with one thread.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::net::{Carried, Load};

/// On which threads a server runs its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuntimeKind {
    /// `shared`: on the runtime that the server was started on. Any thread takes any call.
    #[default]
    Shared,
    /// `per-core`: on one thread for each core, each with its own connections. A call never leaves its thread, so
    /// that a handler that blocks blocks all calls of the thread, and a connection is never faster than one core.
    PerCore,
}

/// Runtimes with one thread each; none, if all connections stay on the runtime of the server.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    connections: Load,
    /// The thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
}

impl Workers {
    pub(super) fn start(kind: RuntimeKind) -> io::Result<Self> {
        let count = match kind {
            RuntimeKind::Shared => 0,
            RuntimeKind::PerCore => thread::available_parallelism()?.get(),
        };
        (0..count).map(Worker::start).collect::<io::Result<_>>().map(Self)
    }

    /// The worker with the fewest connections, which has one more until what comes with it is dropped.
    pub(super) fn least_loaded(&self) -> Option<(&Handle, Carried)> {
        let worker = self.0.iter().min_by_key(|worker| worker.connections.count())?;
        Some((&worker.runtime, worker.connections.carry()))
    }
}

impl Worker {
    fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, over) = oneshot::channel::<()>();
        thread::Builder::new().name(format!("jovian-core-{index}")).spawn(move || {
            // What still runs here ends with the runtime, without being waited for.
            let _ = runtime.block_on(over);
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, connections: Load::default(), _alive: alive })
    }
}
