//! Work of the app's own, beside its calls.
//!
//! In: named futures. Out: tasks that are started with the app, told when it stops, and waited for. Never: a task that
//! ends badly and nobody hears of it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::AppError;
use crate::payload::said;

type Failure = Box<dyn Error + Send + Sync>;

tokio::task_local! {
    /// The name of the task that runs, for those who report its panic.
    static NAME: Arc<str>;
}

/// The name of the task that this code runs in, if it is one of an app.
pub(super) fn current() -> Option<Arc<str>> {
    NAME.try_with(Arc::clone).ok()
}

/// Says when the app stops; clones hear the same.
///
/// Tasks hear of it when the last call has ended, because calls may need them.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Returns when the app stops.
    pub async fn requested(&self) {
        // An app that is gone has stopped.
        let _ = self.0.clone().wait_for(|stopping| *stopping).await;
    }

    /// Whether the app stops.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// What the future of a [task](super::App::task) may give: nothing, or a result whose error ends the task badly.
#[diagnostic::on_unimplemented(
    message = "a task gives `()` or a `Result<(), E>`, not `{Self}`",
    note = "a task that loops for ever is cut off when the app stops; end the loop when `Shutdown` says so"
)]
pub trait TaskResult {
    /// The same as a result.
    ///
    /// # Errors
    ///
    /// The error of the task.
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl TaskResult for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<Failure>> TaskResult for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(Into::into)
    }
}

/// A task that has not been started.
pub(super) struct Task {
    name: Arc<str>,
    begin: Box<dyn FnOnce(Shutdown) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>,
}

impl Task {
    pub(super) fn new<F>(name: String, work: impl FnOnce(Shutdown) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: TaskResult> + Send + 'static,
    {
        Self {
            name: name.into(),
            begin: Box::new(|shutdown| Box::pin(work(shutdown).map(TaskResult::into_result))),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.name).finish()
    }
}

/// How a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskState {
    Running,
    Done,
    Failed,
    CutOff,
}

impl TaskState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::CutOff => "cut off",
        }
    }
}

/// How the tasks of an app do; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<Mutex<Vec<Record>>>);

/// What is known of a task.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: Arc<str>,
    pub(super) state: TaskState,
    /// Since when.
    pub(super) since: Instant,
}

impl Board {
    pub(super) fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    fn enter(&self, name: Arc<str>) -> usize {
        let mut records = self.lock();
        records.push(Record { name, state: TaskState::Running, since: Instant::now() });
        records.len() - 1
    }

    fn leave(&self, place: usize, state: TaskState) {
        if let Some(record) = self.lock().get_mut(place) {
            *record = Record { name: Arc::clone(&record.name), state, since: Instant::now() };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tasks of an app that runs. Dropping it tells them to stop; nobody waits for that.
#[derive(Debug)]
pub(super) struct Tasks {
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
    failed: mpsc::UnboundedReceiver<AppError>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::start(Vec::new(), &Board::default(), Duration::ZERO)
    }
}

impl Tasks {
    /// Starts `tasks`. Each has `patience` to end once it is told.
    pub(super) fn start(tasks: Vec<Task>, board: &Board, patience: Duration) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (failures, failed) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        for Task { name, begin } in tasks {
            let place = board.enter(Arc::clone(&name));
            let (board, failures) = (board.clone(), failures.clone());
            let shutdown = Shutdown(stopping.clone());
            running.spawn(NAME.scope(Arc::clone(&name), async move {
                tracing::info!(task = &*name, "task started");
                let ended = run(begin, shutdown, patience).await;
                board.leave(place, tell(&name, ended, &failures));
            }));
        }
        Self { stop, running, failed }
    }

    /// The first task that failed; as long as none does, this waits.
    pub(super) async fn failed(&mut self) -> AppError {
        match self.failed.recv().await {
            Some(failure) => failure,
            // All tasks have ended, and well.
            None => std::future::pending().await,
        }
    }

    /// Tells the tasks to stop and waits until they have.
    pub(super) async fn stop(&mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
    }

    /// A task that failed and that nobody has heard of yet.
    pub(super) fn failure(&mut self) -> Option<AppError> {
        self.failed.try_recv().ok()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // They end by themselves, in bounded time.
        self.running.detach_all();
    }
}

/// How a task ended; `None` if it had to be cut off.
type Ended = Option<Result<(), Failure>>;

async fn run(
    begin: Box<dyn FnOnce(Shutdown) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>,
    shutdown: Shutdown,
    patience: Duration,
) -> Ended {
    let told = shutdown.clone();
    let work = AssertUnwindSafe(async move { begin(shutdown).await }).catch_unwind();
    tokio::select! {
        ended = work => Some(ended.unwrap_or_else(|panic| Err(format!("it panicked: {}", said(panic.as_ref())).into()))),
        () = async { told.requested().await; sleep(patience).await } => None,
    }
}

/// Says how a task ended: in the log, and to the app if it was badly.
fn tell(name: &str, ended: Ended, failures: &mpsc::UnboundedSender<AppError>) -> TaskState {
    match ended {
        Some(Ok(())) => {
            tracing::info!(task = name, "task ended");
            TaskState::Done
        }
        Some(Err(source)) => {
            tracing::error!(task = name, error = &*source as &(dyn Error + 'static), "task failed");
            // An app that is gone needs not be told.
            let _ = failures.send(AppError::Task { task: name.to_owned(), source });
            TaskState::Failed
        }
        None => {
            tracing::warn!(task = name, "task cut off: it took too long to end");
            TaskState::CutOff
        }
    }
}
