#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]
use super::*;
use crate::operator::administrator::Administrator;
use crate::operator::identity::Identity;
use crate::operator::policy::{Rival, Surroundings, core_policy, judge};
use retention::location::Origin;
use serde_json::{Value, json};

const NOW: &str = "2026-11-21T06:00:00Z";

fn inventory(orphaned: i64, marked: i64) -> CheckpointInventory {
    let spec = json!({
        "jobRef": {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": "orders"},
        "bases": ["file:/v/orders"],
    });
    let mut inventory = CheckpointInventory::new(
        "orders.flinkdeployment",
        serde_json::from_value(spec).unwrap(),
    );
    let status = json!({
        "storage": {"orphaned": {"bytes": orphaned, "files": 1}, "marked": {"bytes": marked, "files": 1}},
        "conditions": [{"type": "Restorable", "status": "True", "reason": "Verified", "message": "", "lastTransitionTime": NOW}],
    });
    inventory.status = Some(serde_json::from_value(status).unwrap());
    inventory
}

/// The status of a policy with these changes, under this administrator's file.
fn status_of(
    changes: Value,
    administrator: &str,
    rivals: &[Rival],
    earliest: Option<&str>,
) -> RetentionPolicyStatus {
    let mut spec = json!({"selector": {}, "mode": "Enforce", "storage": {"operatorIdentity": {}}});
    spec.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let spec: crate::api::RetentionPolicySpec = serde_json::from_value(spec).unwrap();
    let administrator = Administrator::parse(administrator).unwrap();
    let inventories = [inventory(4096, 2048)];
    let origin = Origin {
        namespace: Some("flink".into()),
        ..Origin::default()
    };
    let judgement = judge(
        &spec,
        &Surroundings {
            namespace: "flink",
            uid: "u",
            inventories: &inventories,
            rivals,
            administrator: &administrator,
            origin: &origin,
            identity: &Identity::Operator,
            reachable: &|_| true,
            now: NOW.parse().unwrap(),
        },
    );
    status(Facts {
        account: "operators:operator",
        namespace: "flink",
        generation: Some(4),
        existing: None,
        mode: spec.mode,
        judgement: &judgement,
        effective: &core_policy(&spec, &administrator.floors),
        administrator_file_valid: true,
        pins: false,
        last_run: None,
        awaiting: None,
        next_run: None,
        earliest_deletion: earliest.map(|earliest| earliest.parse().unwrap()),
        now: NOW.parse().unwrap(),
    })
}

const GRANT: &str = "version: 1\nfloors: {gracePeriod: 48h}\ngrants: [{namespace: flink, bases: [{location: 'file:/v'}]}]";

fn said<'a>(status: &'a RetentionPolicyStatus, condition: &str) -> (&'a str, &'a str, &'a str) {
    let found = find(&status.conditions, condition).unwrap();
    (&found.status, &found.reason, &found.message)
}

#[test]
fn a_policy_that_waits_says_until_when() {
    let status = status_of(json!({}), GRANT, &[], Some("2026-11-23T06:17:12Z"));
    assert_eq!(
        said(&status, "Ready"),
        ("True", "Reconciled", "1 job, 1 base reachable")
    );
    assert_eq!(
        said(&status, "Enforcing"),
        (
            "True",
            "WaitingForGrace",
            "2.0 KiB marked; earliest deletion 2026-11-23 06:17 UTC"
        )
    );
    assert_eq!(said(&status, "Overlapping").0, "False");
    assert_eq!(status.effective.unwrap().grace_period.to_string(), "48h");
    assert_eq!(status.jobs.unwrap().restorable, 1);
    assert_eq!(status.display.unwrap().reclaimable.unwrap(), "4.0Ki");
}

#[test]
fn a_missing_grant_says_what_the_administrator_writes() {
    let status = status_of(json!({}), "version: 1", &[], None);
    let (ready, reason, message) = said(&status, "Ready");
    assert_eq!((ready, reason), ("False", "BaseNotGranted"));
    assert!(
        message.contains("grants: [{namespace: flink, bases: [{location: file:/v/orders}]}]"),
        "{message}"
    );
    assert_eq!(said(&status, "Enforcing").1, "NoBases");
}

#[test]
fn unsupported_fields_are_named_and_nothing_is_enforced() {
    let status = status_of(
        json!({"additionalRoots": ["s3://bucket/elsewhere"]}),
        GRANT,
        &[],
        None,
    );
    assert_eq!(said(&status, "Ready").1, "NotSupportedYet");
    assert!(said(&status, "Ready").2.contains("spec.additionalRoots"));
    assert_eq!(said(&status, "Unsupported").0, "True");
    assert_eq!(said(&status, "Enforcing").0, "False");
}

#[test]
fn an_overlap_names_the_job_and_the_other_policy() {
    let rivals = [Rival {
        name: "other".into(),
        selector: Some(serde_json::from_value(json!({})).unwrap()),
    }];
    let status = status_of(json!({}), GRANT, &rivals, None);
    let (overlapping, _, message) = said(&status, "Overlapping");
    assert_eq!(overlapping, "True");
    assert!(
        message.contains("FlinkDeployment orders (also selected by other)"),
        "{message}"
    );
    assert_eq!(said(&status, "Enforcing").1, "NoJobs");
}

#[test]
fn dry_run_suspension_and_pause_are_told_apart() {
    let reason = |changes, file: &str| {
        said(&status_of(changes, file, &[], None), "Enforcing")
            .1
            .to_owned()
    };
    assert_eq!(reason(json!({"mode": "DryRun"}), GRANT), "DryRun");
    assert_eq!(reason(json!({"suspend": true}), GRANT), "Suspended");
    assert_eq!(
        reason(json!({}), &format!("{GRANT}\npaused: true")),
        "PausedByAdministrator"
    );
}

#[test]
fn every_age_is_raised_to_its_floor() {
    let status = status_of(
        json!({
            "orphans": {"minAge": "1s", "gracePeriod": "1s"}, "checkpoints": {"keepLast": 1},
            "deletedJobs": {"expireAfter": "1s"}, "unrestorable": {"expireAfter": "1s"},
        }),
        "version: 1\nfloors: {minAge: 2h, gracePeriod: 3h, deletedJobs: 4d, keepWithin: 5h}",
        &[],
        None,
    );
    let effective = serde_json::to_value(status.effective).unwrap();
    let raised = json!({"minAge": "2h", "gracePeriod": "3h", "deletedJobs": "4d", "unrestorable": "24h", "keepCheckpointsWithin": "5h"});
    assert_eq!(effective, raised);
}
