use async_trait::async_trait;
use storage::{Operation, Requests, StorageError};
use tokio_util::sync::CancellationToken;

/// Ends a run when nobody knows what became of a file that it wanted to delete, or still will. What would be decided next
/// would rest on that; the next run looks for itself.
#[derive(Debug)]
pub(super) struct UnknownOutcome(pub(super) CancellationToken);

#[async_trait]
impl Requests for UnknownOutcome {
    async fn before(&self, _: Operation) {}

    fn after(&self, operation: Operation, error: Option<&StorageError>) {
        if operation == Operation::Delete && matches!(error, Some(StorageError::NoAnswer { .. })) {
            self.0.cancel();
        }
    }
}
