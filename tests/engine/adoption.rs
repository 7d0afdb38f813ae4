//! Directories of nobody, which the policy of a run adopts.

use crate::world::{JOB, World, at, terminal, uuid};
use flink_retention::engine::run::Scope;
use jiff::SignedDuration;
use retention::guard::Guard;
use retention::policy::Adoption;

const DAYS: i64 = 24;

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

/// Nobody knows `JOB`; the policy is for other jobs and adopts it.
fn world() -> World {
    let mut world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&orphan(), 100);
    world.scope = Some(Scope::default());
    world.policy.adopt.push(Adoption {
        directory: at("/data/ckp"),
        jobs: Some([JOB.parse().unwrap()].into()),
        idle_for: SignedDuration::from_hours(30 * DAYS),
        last_modified_before: None,
    });
    world
}

#[tokio::test]
async fn lc49_an_adopted_directory_is_pruned_once_it_was_idle_and_keeps_its_last_snapshot() {
    let world = world();
    world.wait(29 * DAYS);
    world.assert_protected(&orphan(), Guard::UnknownOwner).await;
    world.wait(2 * DAYS);
    assert!(world.enforce().await.outcome.deleted.is_empty());
    world.wait(25);
    let deleted = world.enforce().await.outcome.deleted;
    assert_eq!(deleted.len(), 1, "{deleted:?}");
    assert!(!world.has(&orphan()) && world.has(&format!("{JOB}/chk-9/_metadata")));
}

#[tokio::test]
async fn whoever_writes_into_it_or_has_its_id_keeps_all_of_it() {
    for change in [
        // A file that a snapshot names counts too.
        |world: &World| world.file(&format!("{JOB}/chk-9/{}", uuid(1009)), 5),
        |world: &World| world.file(&format!("{JOB}/notes"), 5),
        |world: &World| {
            let mut job = terminal(JOB);
            job.bases = vec![at("/data/elsewhere")];
            world.set(vec![job]);
        },
    ] {
        let world = world();
        world.wait(31 * DAYS);
        world.enforce().await;
        world.wait(25);
        change(&world);
        world.assert_protected(&orphan(), Guard::UnknownOwner).await;
    }
}

#[tokio::test]
async fn a_job_that_appears_while_we_verify_keeps_all_of_it() {
    let world = world();
    world.wait(31 * DAYS);
    world.enforce().await;
    world.wait(25);
    world.at_observation(4, |world| world.set(vec![terminal(JOB)]));
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
}
