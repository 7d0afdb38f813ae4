use async_trait::async_trait;
use retention::evidence::Evidence;
use std::fmt::Debug;

/// Learns about jobs from outside their storage.
///
/// It does not fail: what could not be learned is a gap in the evidence, and protects.
#[async_trait]
pub trait Observer: Send + Sync + Debug {
    /// Asks everybody now; nothing may come from a cache that lags.
    async fn observe(&self) -> Evidence;
}
