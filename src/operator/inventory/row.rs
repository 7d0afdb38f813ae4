//! What metrics show of an inventory. From the object alone, so that a new leader shows the last known values.

use kube::ResourceExt;

use super::latest::Verdict;
use super::scan::JobScan;
use crate::api::CheckpointInventory;
use crate::api::checkpoint_inventory::{OwnerClass, condition};
use crate::api::conditions::find;
use crate::telemetry::JobRow;

/// None for a job whose resource is gone: nobody is to be woken up for it.
pub(in crate::operator) fn row(
    inventory: &CheckpointInventory,
    scan: Option<&JobScan>,
) -> Option<JobRow> {
    let status = inventory.status.clone().unwrap_or_default();
    let present = find(&status.conditions, condition::RESOURCE_PRESENT);
    if present.is_some_and(|present| present.status == "False") {
        return None;
    }
    let restorable =
        match find(&status.conditions, condition::RESTORABLE).map(|found| found.status.as_str()) {
            Some("True") => Some(true),
            Some("False") => Some(false),
            Some(_) | None => None,
        };
    let missing_files = match scan.map(|scan| &scan.verdict) {
        Some(Verdict::Broken { why: _, missing }) => Some(*missing),
        Some(
            Verdict::Verified { .. }
            | Verdict::Unreadable { .. }
            | Verdict::Unverified { .. }
            | Verdict::NoSnapshot,
        )
        | None => (restorable == Some(true)).then_some(0),
    };
    let latest = status.latest_restorable.as_ref();
    Some(JobRow {
        namespace: inventory.namespace().unwrap_or_default(),
        kind: inventory.spec.job_ref.kind.clone(),
        name: inventory.spec.job_ref.name.clone(),
        running: status.owner_class.map(|class| class == OwnerClass::Running),
        restorable,
        latest_completed: latest
            .and_then(|latest| latest.completion_time.as_ref())
            .map(|time| time.0),
        latest_bytes: latest.and_then(|latest| latest.bytes),
        missing_files,
        storage: status.storage.unwrap_or_default(),
    })
}
