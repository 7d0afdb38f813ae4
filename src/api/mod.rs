//! The Kubernetes API: our three resources, and the parts of Flink's resources that we read.
//!
//! The three resources are the source of the definitions in `crds/`; `flink-retention crds` prints them.

pub mod amount;
pub mod checkpoint_inventory;
pub mod conditions;
pub mod duration;
pub mod flink;
pub mod names;
pub(crate) mod objects_only;
pub mod quantity;
pub mod reason;
pub mod retention_policy;
pub mod retention_run;
mod schema;
pub mod selector;
pub mod time;
pub mod unsupported;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use amount::{Amount, StorageByClass};
pub use checkpoint_inventory::{
    CheckpointInventory, CheckpointInventorySpec, CheckpointInventoryStatus,
};
pub use duration::Duration;
pub use quantity::Bytes;
pub use reason::Reason;
pub use retention_policy::{Mode, RetentionPolicy, RetentionPolicySpec, RetentionPolicyStatus};
pub use retention_run::{RetentionRun, RetentionRunSpec, RetentionRunStatus};
pub use selector::JobSelector;

/// The API group of our resources.
pub const GROUP: &str = "flink-retention.dev";
/// The only version so far.
pub const VERSION: &str = "v1alpha1";

/// The definitions of our three resources, as an API server accepts them.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    [
        RetentionPolicy::crd(),
        RetentionRun::crd(),
        CheckpointInventory::crd(),
    ]
    .map(schema::finish)
    .into()
}
