//! A task that does not outlive what it is for.

use tokio::task::JoinHandle;

/// Ends a task when it is dropped.
pub(super) struct AbortOnDrop<T>(Option<JoinHandle<T>>);

impl<T> AbortOnDrop<T> {
    pub(super) fn new(task: JoinHandle<T>) -> Self {
        Self(Some(task))
    }

    /// Waits for the task; `None` when it was ended or panicked.
    pub(super) async fn ended(&mut self) -> Option<T> {
        match &mut self.0 {
            Some(task) => task.await.ok(),
            None => None,
        }
    }

    /// Leaves the task to itself.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
