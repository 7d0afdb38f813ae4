#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]
use super::*;
use crate::api::JobSelector;
use crate::api::selector::MAX_LABELS;
use crate::operator::identity::Tenant;
use crate::operator::policy::sentence;
use crate::operator::workers::WorkerPlan;
use serde_json::{Value, json};

fn inventory(name: &str, team: &str, bases: &[&str]) -> CheckpointInventory {
    let spec = json!({
        "jobRef": {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": name},
        "lastLabels": {"team": team},
        "bases": bases,
    });
    CheckpointInventory::new(
        &format!("{name}.flinkdeployment"),
        serde_json::from_value(spec).unwrap(),
    )
}

fn rival(name: &str, selector: Option<Value>) -> Rival {
    Rival {
        name: name.to_owned(),
        selector: selector.map(|selector| serde_json::from_value::<JobSelector>(selector).unwrap()),
    }
}

const GRANT: &str = "version: 1\ngrants: [{namespace: flink, bases: [{location: 'file:/v'}]}]";

struct World {
    inventories: Vec<CheckpointInventory>,
    rivals: Vec<Rival>,
    administrator: Administrator,
    identity: Identity,
}

impl World {
    fn new() -> Self {
        Self {
            inventories: vec![
                inventory("orders", "payments", &["file:/v/orders"]),
                inventory("fraud", "risk", &["file:/v/fraud"]),
            ],
            rivals: Vec::new(),
            administrator: Administrator::parse(GRANT).unwrap(),
            identity: Identity::Operator,
        }
    }

    fn judge(&self, changes: Value) -> Judgement<'_> {
        let mut spec =
            json!({"selector": {}, "mode": "Enforce", "storage": {"operatorIdentity": {}}});
        spec.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        judge(
            &serde_json::from_value(spec).unwrap(),
            &Surroundings {
                namespace: "flink",
                uid: "u",
                inventories: &self.inventories,
                rivals: &self.rivals,
                administrator: &self.administrator,
                origin: &Origin {
                    namespace: Some("flink".into()),
                    ..Origin::default()
                },
                identity: &self.identity,
                reachable: &|base| !base.path().contains("far"),
                now: "2026-11-21T06:00:00Z".parse().unwrap(),
            },
        )
    }
}

fn names<'a>(jobs: impl IntoIterator<Item = &'a JobName>) -> Vec<&'a str> {
    jobs.into_iter().map(|job| job.name.as_str()).collect()
}

#[test]
fn a_selector_chooses_jobs_by_their_last_labels() {
    let world = World::new();
    let judgement = world.judge(json!({"selector": {"matchLabels": {"team": "risk"}}}));
    assert_eq!(names(&judgement.scope), ["fraud"]);
    assert_eq!(judgement.bases.len(), 1);
    assert_eq!(
        (judgement.mode, judgement.obstacles),
        (Mode::Enforce, Vec::new())
    );
}

#[test]
fn a_job_of_two_policies_is_enforced_by_neither() {
    let world = World {
        rivals: vec![rival(
            "other",
            Some(json!({"matchLabels": {"team": "risk"}})),
        )],
        ..World::new()
    };
    let judgement = world.judge(json!({}));
    assert_eq!(judgement.selected.len(), 2);
    assert_eq!(names(&judgement.scope), ["orders"]);
    assert_eq!(names(judgement.overlaps.keys()), ["fraud"]);
    assert_eq!(
        judgement
            .bases
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["file:/v/orders"]
    );
}

/// With so many labels that the record may miss some: `zz.hold`, for example.
fn with_many_labels(name: &str) -> CheckpointInventory {
    let mut inventory = inventory(name, "payments", &["file:/v/orders"]);
    let labels = (1..MAX_LABELS).map(|number| (format!("a{number}"), "x".to_owned()));
    inventory.spec.last_labels.extend(labels);
    assert_eq!(inventory.spec.last_labels.len(), MAX_LABELS);
    inventory
}

#[test]
fn a_label_that_may_not_be_recorded_keeps_the_job_out_of_every_policy() {
    let world = World {
        inventories: vec![with_many_labels("orders")],
        ..World::new()
    };
    let not_on_hold = json!({"matchExpressions": [{"key": "zz.hold", "operator": "DoesNotExist"}]});
    let judgement = world.judge(json!({"selector": not_on_hold}));
    assert!(judgement.selected.is_empty() && judgement.bases.is_empty());
    let [Obstacle::TooManyLabels { jobs }] = &judgement.obstacles[..] else {
        panic!("{:?}", judgement.obstacles);
    };
    assert_eq!(names(jobs), ["orders"]);
    let sentence = sentence(&judgement.obstacles[0], "flink", "operators:operator");
    assert!(sentence.starts_with("Of FlinkDeployment orders only the first 64 labels"));
    // What is recorded is enough, and everything is meant without any label.
    for selector in [json!({"matchLabels": {"team": "payments"}}), json!({})] {
        let judgement = world.judge(json!({"selector": selector}));
        assert_eq!(names(&judgement.scope), ["orders"], "{selector}");
    }
    let another_team = world.judge(json!({"selector": {"matchLabels": {"team": "risk"}}}));
    assert!(another_team.obstacles.is_empty());
    // Another policy that may mean it is one that does.
    let world = World {
        rivals: vec![rival(
            "held",
            Some(json!({"matchLabels": {"zz.hold": "yes"}})),
        )],
        ..world
    };
    let judgement = world.judge(json!({}));
    assert_eq!(names(judgement.overlaps.keys()), ["orders"]);
    assert!(judgement.scope.is_empty());
}

#[test]
fn a_policy_that_cannot_be_read_may_select_anything() {
    let world = World {
        rivals: vec![rival("broken", None)],
        ..World::new()
    };
    assert!(world.judge(json!({})).scope.is_empty());
}

#[test]
fn a_policy_that_contradicts_itself_may_select_anything() {
    let asks_for_no_value = json!({"matchExpressions": [{"key": "a", "operator": "In"}]});
    let world = World {
        rivals: vec![rival("broken", Some(asks_for_no_value.clone()))],
        ..World::new()
    };
    assert!(world.judge(json!({})).scope.is_empty());
    let itself = World::new();
    let itself = itself.judge(json!({"selector": asks_for_no_value}));
    assert!(itself.scope.is_empty() && itself.does_nothing());
}

#[test]
fn what_is_not_granted_or_not_in_reach_is_named_and_left_alone() {
    let world = World {
        inventories: vec![inventory(
            "orders",
            "payments",
            &["file:/w", "file:/v/far", "file:/v/near"],
        )],
        ..World::new()
    };
    let judgement = world.judge(json!({}));
    assert_eq!(
        judgement
            .bases
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["file:/v/near"]
    );
    assert_eq!(
        judgement.obstacles,
        [
            Obstacle::BaseNotGranted {
                bases: vec!["file:/w".into()]
            },
            Obstacle::BaseUnreachable {
                bases: vec!["file:/v/far".into()],
                by: Reacher::Operator,
            },
        ]
    );
}

#[test]
fn a_directory_inside_another_is_a_base_of_its_own() {
    let world = World {
        inventories: vec![inventory(
            "orders",
            "payments",
            &["file:/v/a/savepoints", "file:/v/a"],
        )],
        ..World::new()
    };
    assert_eq!(world.judge(json!({})).bases.len(), 2);
}

/// Which volume a path once meant to a job that is gone, nobody knows but the administrator.
#[test]
fn workers_only_look_until_the_administrator_lets_them_delete() {
    let judged = |grant: &str| {
        let file = format!("version: 1\ngrants: [{{namespace: {grant}}}]");
        let world = World {
            administrator: Administrator::parse(&file).unwrap(),
            identity: Identity::Worker(Box::new(WorkerPlan::of_nothing())),
            ..World::new()
        };
        let judgement = world.judge(json!({"storage": {"worker": {}}}));
        (judgement.mode, judgement.restrained)
    };
    let looks = (Mode::DryRun, Some(Restraint::WorkerOnlyLooks));
    assert_eq!(judged("flink"), looks);
    assert_eq!(judged("flink, workersMayDelete: false"), looks);
    assert_eq!(judged("other, workersMayDelete: true"), looks);
    let deletes = judged("flink, workersMayDelete: true");
    assert_eq!(deletes, (Mode::Enforce, None));
}

#[test]
fn suspended_paused_and_unsupported_policies_delete_nothing() {
    let world = World::new();
    let suspended = world.judge(json!({"suspend": true}));
    assert_eq!(
        (suspended.mode, suspended.restrained),
        (Mode::DryRun, Some(Restraint::Suspended))
    );
    let unsupported = world.judge(json!({"additionalRoots": ["s3://bucket/elsewhere"]}));
    assert_eq!(
        (unsupported.mode, unsupported.bases.len()),
        (Mode::DryRun, 0)
    );
    let paused = World {
        administrator: Administrator {
            paused: Some(Pause::AskedFor),
            ..Administrator::parse(GRANT).unwrap()
        },
        ..World::new()
    };
    assert_eq!(paused.judge(json!({})).mode, Mode::DryRun);
}

#[test]
fn contradictions_are_obstacles_and_no_work() {
    let world = World::new();
    let judgement = world.judge(json!({
        "selector": {"matchExpressions": [{"key": "a", "operator": "In"}]},
        "schedule": "nonsense",
    }));
    assert!(judgement.scope.is_empty());
    assert!(matches!(
        judgement.obstacles.as_slice(),
        [
            Obstacle::InvalidSelector { .. },
            Obstacle::InvalidSchedule { .. }
        ]
    ));
}

const EXCLUSIVE: &str = "version: 1\ngrants: [{namespace: flink, bases: [{location: 'file:/v'}, {location: 'file:/own', exclusive: true}]}]";
const ID: &str = "00000000000000000000000000000abc";

fn adopts(adopt: Value, approval: &str) -> (World, Value) {
    let world = World {
        administrator: Administrator::parse(EXCLUSIVE).unwrap(),
        ..World::new()
    };
    (world, json!({"adopt": [adopt], "approval": approval}))
}

/// What the core would adopt, as directory and whether ids are named; and what the policy is told.
fn adopted(adopt: Value, approval: &str) -> (Vec<(String, bool)>, Vec<Obstacle>) {
    let (world, changes) = adopts(adopt, approval);
    let mut spec = json!({"selector": {}, "storage": {"operatorIdentity": {}}});
    spec.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let origin = Origin {
        namespace: Some("flink".into()),
        ..Origin::default()
    };
    let spec: RetentionPolicySpec = serde_json::from_value(spec).unwrap();
    let adopted = super::super::adoptions(
        &spec,
        "flink",
        &world.administrator,
        &origin,
        &world.identity,
    );
    let adopted = adopted
        .iter()
        .map(|adoption| (adoption.directory.to_string(), adoption.jobs.is_some()));
    (adopted.collect(), world.judge(changes).obstacles)
}

#[test]
fn directories_are_adopted_within_what_the_administrator_allows() {
    let named = json!({"directory": "file:/v/cp", "jobIds": [ID]});
    let idle = json!({"base": "file:/own/cp", "idleFor": "60d"});
    let expected = [("file:/v/cp".to_owned(), true)];
    assert_eq!(
        adopted(named.clone(), "Manual"),
        (expected.to_vec(), vec![])
    );
    let expected = [("file:/own/cp".to_owned(), false)];
    assert_eq!(adopted(idle.clone(), "Manual"), (expected.to_vec(), vec![]));

    for adopt in [named, idle] {
        let (nothing, obstacles) = adopted(adopt, "Automatic");
        assert!(nothing.is_empty());
        assert!(
            matches!(obstacles.as_slice(), [Obstacle::NotAdopted { why }] if why.contains("approval: Manual"))
        );
    }
    let (nothing, obstacles) = adopted(json!({"base": "file:/v/cp", "idleFor": "60d"}), "Manual");
    assert!(nothing.is_empty());
    assert!(
        matches!(obstacles.as_slice(), [Obstacle::NotAdopted { why }] if why.contains("exclusive: true"))
    );
    let elsewhere = json!({"directory": "file:/elsewhere", "jobIds": [ID]});
    let (nothing, obstacles) = adopted(elsewhere, "Manual");
    assert!(nothing.is_empty());
    assert!(matches!(
        obstacles.as_slice(),
        [Obstacle::BaseNotGranted { .. }]
    ));
}

#[test]
fn an_adopted_directory_is_looked_at() {
    let (world, changes) = adopts(
        json!({"directory": "file:/own/cp", "jobIds": [ID]}),
        "Manual",
    );
    let judgement = world.judge(changes);
    let bases: Vec<String> = judgement.bases.iter().map(ToString::to_string).collect();
    assert_eq!(bases, ["file:/own/cp", "file:/v/fraud", "file:/v/orders"]);
}

fn tenant() -> Identity {
    Identity::Tenant(Box::new(Tenant {
        s3: Some(storage::S3Access {
            endpoint: None,
            region: None,
            virtual_host_style: false,
            credentials: storage::S3Credentials::OfThisProcess,
        }),
        gcs: None,
        azure: None,
    }))
}

/// Whether the store lets him is for the store to say; what the operator itself reaches is none of his.
#[test]
fn credentials_of_a_tenant_reach_buckets_and_nothing_of_the_operators() {
    let world = World {
        inventories: vec![
            inventory("orders", "payments", &["s3a://state/orders"]),
            inventory("fraud", "risk", &["file:/v/fraud"]),
        ],
        identity: tenant(),
        ..World::new()
    };
    let judgement = world.judge(json!({"storage": {"secretRef": {"name": "s"}}}));
    let bases: Vec<String> = judgement.bases.iter().map(ToString::to_string).collect();
    assert_eq!(bases, ["s3://state/orders"]);
    assert_eq!(
        judgement.obstacles,
        [Obstacle::BaseUnreachable {
            bases: vec!["file:/v/fraud".into()],
            by: Reacher::Tenant,
        }]
    );
}

#[test]
fn without_an_identity_nothing_is_done() {
    let nobody = NoIdentity::SecretNotFound { name: "s".into() };
    let world = World {
        identity: Identity::Nobody(nobody.clone()),
        ..World::new()
    };
    let judgement = world.judge(json!({"storage": {"secretRef": {"name": "s"}}}));
    assert!(judgement.does_nothing() && judgement.bases.is_empty());
    assert_eq!(judgement.obstacles, [Obstacle::NoIdentity(nobody)]);
}

#[test]
fn an_endpoint_is_granted_or_nothing_is_done() {
    for store in ["s3", "gcs", "azure"] {
        let storage = json!({"storage": {
            "secretRef": {"name": "s"}, (store): {"endpoint": "https://minio:9000"},
        }});
        let mut world = World::new();
        let judgement = world.judge(storage.clone());
        let refused = |judgement: &Judgement<'_>| {
            let mut obstacles = judgement.obstacles.iter();
            obstacles.any(|obstacle| matches!(obstacle, Obstacle::EndpointNotGranted { .. }))
        };
        assert!(refused(&judgement) && judgement.does_nothing(), "{store}");
        let granted =
            "version: 1\ngrants: [{namespace: flink, endpoints: ['https://MINIO:9000/']}]";
        world.administrator = Administrator::parse(granted).unwrap();
        assert!(!refused(&world.judge(storage)), "{store}");
    }
}
