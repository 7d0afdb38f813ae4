//! What others do to files while a batch is deleted.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::{Mode, Report};
use std::sync::Arc;
use storage::faults::{Call, Failure, Fault, FaultInjecting};
use storage::{Key, Operation};

fn orphan(number: u64) -> String {
    format!("{JOB}/shared/{}", uuid(number))
}

fn key(number: u64) -> Key {
    Key::parse(&format!("ckp/{}", orphan(number))).unwrap()
}

/// Three orphans are ripe; `meanwhile` happens when the first of them is about to go.
async fn deleting(world: &World, meanwhile: impl Fn(&World) + Send + Sync + 'static) -> Report {
    let others = world.clone();
    let racing = FaultInjecting::new(world.storage.clone(), move |call: &Call| {
        if call.operation == Operation::Delete && call.key == key(2) {
            meanwhile(&others);
        }
        Fault::None
    });
    world.run_on(Mode::Enforce, Arc::new(racing)).await
}

async fn ripe() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    for number in 2..5 {
        world.file(&orphan(number), 100);
    }
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    world
}

fn left(world: &World) -> Vec<u64> {
    let all = 2..5;
    all.filter(|number| world.has(&orphan(*number))).collect()
}

#[tokio::test]
async fn rule_18_a_file_that_changes_ends_the_deleting_in_its_job_directory() {
    let world = ripe().await;
    let report = deleting(&world, |world| world.file(&orphan(3), 100)).await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
    assert_eq!(report.outcome.failed.len(), 1);
    assert_eq!(report.outcome.spared.len(), 1);
    assert_eq!(left(&world), [3, 4]);
}

#[tokio::test]
async fn rule_18_a_file_that_flink_deletes_first_is_no_failure() {
    let world = ripe().await;
    let report = deleting(&world, |world| world.storage.remove(&key(3))).await;
    assert_eq!(report.outcome.deleted.len(), 2, "{:?}", report.outcome);
    assert!(report.outcome.failed.is_empty() && report.outcome.spared.is_empty());
    assert!(left(&world).is_empty());
}

#[tokio::test]
async fn f12_high_availability_data_in_the_base_stays() {
    let world = ripe().await;
    let kept = [
        "orders/completedCheckpoint4f1c0de2a9b8".to_owned(),
        "orders/submittedExecutionPlan4f1c0de2a9b8".to_owned(),
        format!("orders/blob/job_{JOB}/blob_p-4f1c0de2a9b8"),
        format!("{JOB}/completedCheckpoint4f1c0de2a9b8"),
        format!("{JOB}/shared/completedCheckpoint4f1c0de2a9b8"),
        format!("job-result-store/orders/{JOB}.json"),
    ];
    for path in &kept {
        world.file(path, 10);
    }
    for _ in 0..3 {
        world.wait(48);
        world.enforce().await;
    }
    assert!(left(&world).is_empty());
    assert!(kept.iter().all(|path| world.has(path)));
}

/// A store that does not answer for a moment says nothing of a file.
#[tokio::test]
async fn a_look_that_fails_ends_no_mark() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    let path = format!("ckp/{}", crate::world::orphan());
    let silent = FaultInjecting::new(world.storage.clone(), move |call| {
        if call.operation == Operation::Stat && call.key.as_str() == path {
            return Fault::Fail(Failure::Unavailable);
        }
        Fault::None
    });
    let report = world.run_on(Mode::Enforce, Arc::new(silent)).await;
    let spared = report.outcome.spared.first().unwrap();
    assert!(
        spared.why.contains("a fault that the test asked for"),
        "{}",
        spared.why
    );
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}
