//! Fields of the API that this version of the operator does not honour yet.
//!
//! The schema shows the whole API, so that policies need no rewrite later. Until a field is honoured, a policy that
//! uses it says so in its condition `Unsupported` and is not enforced. This is the one list of them.

use crate::api::retention_policy::{History, RetentionPolicySpec, StorageAccess};

/// The paths of the fields in use that are not honoured, in the order of the schema.
#[must_use]
pub fn in_policy(spec: &RetentionPolicySpec) -> Vec<&'static str> {
    // Taken apart without `..`: a new field does not compile until somebody has decided about it here.
    let RetentionPolicySpec {
        selector: _,
        mode: _,
        schedule: _,
        time_zone: _,
        suspend: _,
        approval: _,
        checkpoints: _,
        savepoints: _,
        orphans: _,
        unrestorable: _,
        deleted_jobs: _,
        additional_roots,
        adopt: _,
        limits: _,
        history: History {
            successful: _,
            failed: _,
        },
        storage,
    } = spec;
    let mut used = Vec::new();
    used.extend((!additional_roots.is_empty()).then_some("spec.additionalRoots"));
    used.extend(in_storage(storage));
    used
}

fn in_storage(storage: &StorageAccess) -> impl Iterator<Item = &'static str> + use<> {
    let StorageAccess {
        secret_ref,
        worker: _,
        operator_identity: _,
        s3,
        gcs,
        azure,
        requests_per_second: _,
    } = storage;
    [
        // Neither the operator's own identity nor workers reach buckets yet.
        s3.as_ref()
            .filter(|_| secret_ref.is_none())
            .map(|_| "spec.storage.s3"),
        gcs.as_ref()
            .filter(|_| secret_ref.is_none())
            .map(|_| "spec.storage.gcs"),
        azure
            .as_ref()
            .filter(|_| secret_ref.is_none())
            .map(|_| "spec.storage.azure"),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plain_policy_uses_nothing_unsupported() {
        let spec = serde_json::from_value(json!({
            "selector": {}, "mode": "Enforce", "schedule": "17 */6 * * *", "timeZone": "Etc/UTC",
            "checkpoints": {"keepLast": 1, "keepWithin": "7d"}, "unrestorable": {"expireAfter": "7d"},
            "savepoints": {"keepLast": 3, "keepHourly": 1, "keepDaily": 7, "keepWeekly": 1, "keepMonthly": 1, "pinned": ["s3://b/s"]},
            "orphans": {"minAge": "24h", "gracePeriod": "24h"}, "deletedJobs": {"expireAfter": "30d"}, "adopt": [{"base": "s3://b/x", "idleFor": "30d"}], "limits": {"maxBytesPerRun": "2Ti", "maxReferencedShrinkPercent": 20}, "approval": "Manual",
            "storage": {"operatorIdentity": {}, "requestsPerSecond": 200},
        }));
        assert_eq!(in_policy(&spec.unwrap()), Vec::<&str>::new());
    }

    #[test]
    fn nothing_unsupported_is_accepted_silently() {
        let spec = serde_json::from_value(json!({
            "selector": {}, "approval": "Manual",
            "additionalRoots": ["s3://bucket/elsewhere"],
            "storage": {"worker": {}, "s3": {}, "gcs": {}, "azure": {}},
        }));
        assert_eq!(
            in_policy(&spec.unwrap()),
            [
                "spec.additionalRoots",
                "spec.storage.s3",
                "spec.storage.gcs",
                "spec.storage.azure",
            ]
        );
    }
}
