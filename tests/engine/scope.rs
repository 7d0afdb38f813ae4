//! A policy acts on the jobs that it selects, and leaves the marks of others alone.

use crate::world::{JOB, OLD_JOB, World, terminal, uuid};
use flink_retention::engine::run::Scope;
use retention::evidence::JobName;

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
