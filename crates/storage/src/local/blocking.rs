use std::sync::Arc;

use crate::port::{Operation, StorageError};

/// System calls on a slow volume can take seconds: they must not hold up the other tasks.
pub(super) async fn on_blocking_thread<T: Send + 'static>(
    operation: Operation,
    location: &str,
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        // The runtime shuts down, or a bug: in both cases nothing is known.
        Err(cause) => Err(StorageError::Unavailable {
            operation,
            path: location.to_owned(),
            cause: Arc::new(cause),
        }),
    }
}
