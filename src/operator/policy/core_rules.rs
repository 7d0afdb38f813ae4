//! A policy of the API as the core understands it.

use jiff::tz::TimeZone;
use retention::keep::{KeepRules, SavepointRules};
use retention::policy::{Floors, Limits, Policy};
use retention::reference::DirectoryKey;

use crate::api::RetentionPolicySpec;
use crate::api::retention_policy::{self, CheckpointRules};
use crate::operator::administrator::signed;

/// How much a base may shrink between two runs where a policy does not say, in percent.
const MAX_REFERENCED_SHRINK_PERCENT: u8 = 50;

/// The rules with the administrator's floors.
pub(in crate::operator) fn core_policy(spec: &RetentionPolicySpec, floors: &Floors) -> Policy {
    let pinned = spec.savepoints.iter().flat_map(|rules| &rules.pinned);
    Policy {
        checkpoints: spec.checkpoints.map(
            |CheckpointRules {
                 keep_last,
                 keep_within,
             }| KeepRules {
                keep_last,
                keep_within: keep_within.map(signed),
            },
        ),
        deleted_jobs: spec.deleted_jobs.map(|rule| signed(rule.expire_after)),
        savepoints: spec
            .savepoints
            .as_ref()
            .and_then(|rules| savepoints(rules, spec.time_zone.as_deref())),
        unrestorable: spec.unrestorable.map(|rule| signed(rule.expire_after)),
        pinned: pinned.map(|path| DirectoryKey::of(path)).collect(),
        min_age: signed(spec.orphans.min_age),
        grace_period: signed(spec.orphans.grace_period),
        limits: Limits {
            max_bytes_per_run: spec
                .limits
                .and_then(|limits| limits.max_bytes_per_run)
                .map(crate::api::Bytes::get),
            max_referenced_shrink_percent: Some(
                spec.limits
                    .and_then(|limits| limits.max_referenced_shrink_percent)
                    .unwrap_or(MAX_REFERENCED_SHRINK_PERCENT),
            ),
        },
        ..Policy::default()
    }
    .with_floors(floors)
}

/// None where the time zone is none: then every savepoint stays, and the policy says why it does not run.
fn savepoints(
    rules: &retention_policy::SavepointRules,
    zone: Option<&str>,
) -> Option<SavepointRules> {
    let retention_policy::SavepointRules {
        keep_last,
        keep_within,
        keep_hourly,
        keep_daily,
        keep_weekly,
        keep_monthly,
        pinned: _,
    } = rules;
    let time_zone = zone.map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())?;
    Some(SavepointRules {
        keep: KeepRules {
            keep_last: *keep_last,
            keep_within: keep_within.map(signed),
        },
        keep_hourly: *keep_hourly,
        keep_daily: *keep_daily,
        keep_weekly: *keep_weekly,
        keep_monthly: *keep_monthly,
        time_zone,
    })
}
