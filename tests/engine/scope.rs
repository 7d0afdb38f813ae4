//! A policy acts on the jobs that it selects, and leaves the marks of others alone.

use crate::world::{JOB, OLD_JOB, World, terminal, uuid};
use flink_retention::engine::run::Scope;
use retention::evidence::JobName;
use retention::keep::KeepRules;

fn scope(name: &str) -> Scope {
    let job = JobName {
        name: name.to_owned(),
        ..terminal(JOB).name
    };
    Scope { jobs: [job].into() }
}

#[tokio::test]
async fn two_policies_on_one_base_do_not_disturb_each_other() {
    let mut world = World::new();
    for job in [JOB, OLD_JOB] {
        world.checkpoint(job, 9, &[&uuid(1)]);
        world.file(&format!("{job}/shared/{}", uuid(2)), 100);
    }
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    world.set(vec![terminal(JOB), other]);
    world.wait(48);

    world.scope = Some(scope("orders"));
    world.enforce().await;
    world.scope = Some(scope("other"));
    world.enforce().await;
    world.wait(25);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1);
    assert!(report.outcome.deleted[0].path.contains(OLD_JOB));
    world.scope = Some(scope("orders"));
    let report = world.enforce().await;
    assert_eq!(
        report.outcome.deleted.len(),
        1,
        "its mark has outlived the run of the other policy"
    );
    assert!(
        report.outcome.deleted[0]
            .path
            .contains(&format!("ckp/{JOB}"))
    );
}

/// The rules of one policy say nothing of the snapshots of the other's jobs.
#[tokio::test]
async fn a_policy_that_keeps_everything_does_not_end_what_expires_by_another() {
    let mut world = World::new();
    for (job, id, shared) in [(JOB, 8, 1), (JOB, 9, 1), (OLD_JOB, 18, 2), (OLD_JOB, 19, 2)] {
        world.checkpoint(job, id, &[&uuid(shared)]);
        world.wait(1);
    }
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    world.set(vec![terminal(JOB), other]);
    let expiring = Some(KeepRules {
        keep_last: Some(1),
        keep_within: None,
    });
    world.wait(48);
    for _ in 0..4 {
        (world.scope, world.policy.checkpoints) = (Some(scope("orders")), expiring);
        world.enforce().await;
        (world.scope, world.policy.checkpoints) = (Some(scope("other")), None);
        world.enforce().await;
        world.wait(10);
    }
    assert!(!world.has(&format!("{JOB}/chk-8/_metadata")));
    assert!(world.has(&format!("{OLD_JOB}/chk-18/_metadata")));
}
