//! A run at the pace that its policy allows.

use crate::world::{JOB, World, terminal, uuid};
use async_trait::async_trait;
use flink_retention::engine::{Mode, Pace};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use storage::{Observed, Operation, Requests, StorageError};
use tokio::time::Instant;

#[derive(Debug, Default)]
struct Count(AtomicU32);

#[async_trait]
impl Requests for Count {
    async fn before(&self, _: Operation) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn after(&self, _: Operation, _: Option<&StorageError>) {}
}

#[tokio::test(start_paused = true)]
async fn a_paced_run_does_the_same_in_its_time() {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    for number in 2..40 {
        world.file(&format!("{JOB}/shared/{}", uuid(number)), 100);
    }
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    let (count, pace) = (
        Arc::new(Count::default()),
        Pace::new(NonZeroU32::new(10).unwrap()),
    );
    let counted = Observed::new(Arc::new(world.storage.clone()), Arc::<Count>::clone(&count));
    let paced = Observed::new(Arc::new(counted), Arc::new(pace));
    let begun = Instant::now();
    let report = world.run_on(Mode::Enforce, Arc::new(paced)).await;
    assert_eq!(report.outcome.deleted.len(), 38, "{:?}", report.outcome);
    // The first ten pass at once.
    let requests = count.0.load(Ordering::Relaxed);
    assert!(requests > 80, "{requests}");
    assert_eq!(
        begun.elapsed(),
        Duration::from_millis(100) * (requests - 10)
    );
}
