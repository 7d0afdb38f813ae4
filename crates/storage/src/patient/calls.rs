use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::port::{Operation, StorageError};

/// How long a call may take while an earlier one has not come back: long enough to notice that the others do.
pub(super) const WHILE_HANGING: Duration = Duration::from_secs(2);
/// How long a deletion waits for its place, with others of its batch: what was decided to go was decided just now.
pub(super) const DELETION_WAITS: Duration = Duration::from_secs(10);
/// How long a call that was dropped still counts as hanging.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

/// What is known of a store: how many calls of it are under way, and how many of them have not been answered in time.
#[derive(Debug)]
pub(super) struct Calls {
    /// How long a call may take, and wait for its place before.
    longest: Duration,
    given_up: GivenUp,
    /// Those that are under way, and those that hang.
    places: Arc<Semaphore>,
    hanging: AtomicUsize,
}

/// What becomes of a call that was not answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// It holds a thread until the kernel lets it go, and keeps its place until then. It may still take effect.
    GoesOn,
    /// It ends, with its connection. What has reached the server by then may still take effect.
    IsDropped,
}

impl GivenUp {
    /// How many calls may be under way at once. Of threads the process has 512 for all volumes.
    pub(super) fn at_once(self) -> usize {
        match self {
            Self::GoesOn => 16,
            Self::IsDropped => 64,
        }
    }
}

/// What is asked, for errors.
pub(super) struct Question {
    pub(super) operation: Operation,
    pub(super) path: String,
}

impl Question {
    pub(super) fn not_asked(self) -> StorageError {
        let Self { operation, path } = self;
        StorageError::NotAsked { operation, path }
    }

    fn no_answer(self, patience: Duration) -> StorageError {
        let Self { operation, path } = self;
        StorageError::NoAnswer {
            operation,
            path,
            patience,
        }
    }
}

type Answer<T> = oneshot::Sender<Result<T, StorageError>>;

impl Calls {
    pub(super) fn new(longest: Duration, given_up: GivenUp) -> Self {
        Self {
            longest,
            given_up,
            places: Arc::new(Semaphore::new(given_up.at_once())),
            hanging: AtomicUsize::new(0),
        }
    }

    pub(super) async fn carry_out<T>(
        self: Arc<Self>,
        question: Question,
        call: impl Future<Output = Result<T, StorageError>> + Send,
        mut answer: Answer<T>,
    ) {
        let place = tokio::select! {
            place = self.place(question.operation) => place,
            // Nobody wants to know any more, and nothing was done yet.
            () = answer.closed() => return,
        };
        let Some(_place) = place else {
            let _ = answer.send(Err(question.not_asked()));
            return;
        };
        let patience = self.patience();
        let mut call = Box::pin(call);
        if let Ok(result) = timeout(patience, &mut call).await {
            let _ = answer.send(result);
            return;
        }
        let _hanging = Hanging::among(&self);
        match self.given_up {
            GivenUp::IsDropped => {
                drop(call);
                let _ = answer.send(Err(question.no_answer(patience)));
                sleep(SILENCE).await;
            }
            GivenUp::GoesOn => {
                let _ = answer.send(Err(question.no_answer(patience)));
                let _ = call.await;
            }
        }
    }

    /// None where the store is not to be asked.
    async fn place(&self, operation: Operation) -> Option<OwnedSemaphorePermit> {
        let patience = match operation {
            Operation::Delete | Operation::RemoveDirectory => DELETION_WAITS.min(self.patience()),
            Operation::Open
            | Operation::List
            | Operation::Stat
            | Operation::Read
            | Operation::Write => self.patience(),
        };
        if self.hanging() >= self.given_up.at_once() {
            return None;
        }
        let place = Arc::clone(&self.places).acquire_owned();
        timeout(patience, place).await.ok()?.ok()
    }

    fn patience(&self) -> Duration {
        match self.hanging() {
            0 => self.longest,
            _ => WHILE_HANGING.min(self.longest),
        }
    }

    /// Whether calls hang now that keep in memory what they have read.
    pub(super) fn keep_what_they_read(&self) -> bool {
        self.given_up == GivenUp::GoesOn && self.hanging() > 0
    }

    fn hanging(&self) -> usize {
        self.hanging.load(Ordering::Relaxed)
    }
}

/// A call that was not answered in time, until it ends.
struct Hanging(Arc<Calls>);

impl Hanging {
    fn among(calls: &Arc<Calls>) -> Self {
        calls.hanging.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.hanging.fetch_sub(1, Ordering::Relaxed);
    }
}
