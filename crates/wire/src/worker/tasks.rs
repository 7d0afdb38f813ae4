use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::Executor;
use tokio::task::JoinSet;

/// The tasks of one connection. When this is dropped they end, so that nothing of a cut connection goes on beside the next.
#[derive(Debug, Default)]
pub(super) struct Tasks(Arc<Mutex<JoinSet<()>>>);

/// Begins tasks for as long as they are kept.
#[derive(Clone, Debug)]
pub(super) struct Begins(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    pub(super) fn executor(&self) -> Begins {
        Begins(Arc::clone(&self.0))
    }
}

impl<F> Executor<F> for Begins
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended would be kept otherwise.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}
