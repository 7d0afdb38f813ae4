use async_trait::async_trait;
use storage::{Operation, Requests, StorageError};

use super::Metrics;

/// Counts every request to any store.
#[async_trait]
impl Requests for Metrics {
    async fn before(&self, _: Operation) {}

    fn after(&self, operation: Operation, error: Option<&StorageError>) {
        let result = error.map_or("success", StorageError::category);
        self.storage_request(operation.as_str(), result);
    }
}
