//! A volume that never answers, beside one that does.

use crate::world::{JOB, World, at, terminal, uuid};
use flink_retention::engine::{MetadataCache, Mode, NoProgress, Report, Run, Stores};
use retention::evidence::JobEvidence;
use std::sync::Arc;
use std::time::Duration;
use storage::faults::{Fault, FaultInjecting};
use storage::{Patience, Storage};

const OTHER: &str = "00000000000000000000000000000fed";

/// A job with its directories on a volume that hangs.
fn elsewhere() -> JobEvidence {
    let mut job = terminal(OTHER);
    job.bases = vec![at("/hung/ckp")];
    "elsewhere".clone_into(&mut job.name.name);
    job
}

async fn enforce(world: &World) -> Report {
    let hangs = FaultInjecting::new(world.storage.clone(), |_| Fault::Hang { after: 0 });
    let mut stores = Stores::default();
    stores.add(at("/data"), Arc::new(world.storage.clone()));
    stores.add(at("/hung"), Arc::new(hangs));
    let stores =
        stores.each(|storage| Arc::new(Patience::default().volume(storage)) as Arc<dyn Storage>);
    let run = Run {
        observer: world,
        stores: &stores,
        clock: world,
        progress: &NoProgress,
        cache: &MetadataCache::default(),
        policy: &world.policy,
        bases: world.bases.clone(),
        scope: world.scope.clone(),
        mode: Mode::Enforce,
        consent: world.consent.clone(),
        owner: Some(flink_retention::engine::journal::OwnerId(
            world.owner.clone(),
        )),
        term: None,
        cancel: world.cancel.clone(),
    };
    let run = tokio::time::timeout(Duration::from_mins(10), run.execute());
    run.await.expect("the run ends").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_on_a_good_volume_ends_and_says_what_hung() {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&format!("{JOB}/shared/{}", uuid(2)), 100);
    world.set(vec![terminal(JOB), elsewhere()]);
    world.wait(48);
    for _ in 0..2 {
        let report = enforce(&world).await;
        let gaps = format!("{report:?}");
        assert!(gaps.contains("has not answered within"), "{gaps}");
        assert!(
            report.outcome.deleted.is_empty(),
            "what it holds may name files here"
        );
        world.wait(25);
    }
    // And it may be the one to be judged.
    let mut world = world;
    world.bases.push(at("/hung/ckp"));
    let report = enforce(&world).await;
    assert!(report.outcome.deleted.is_empty());
    assert!(world.has(&format!("{JOB}/shared/{}", uuid(2))));
}
