//! How every scene goes.

use std::path::Path;
use std::time::{Duration, Instant};

use testbed::flink::ClaimMode;

use crate::claimed;
use crate::health::Health;
use crate::leak::Leak;
use crate::ledger::Ledger;
use crate::scene::Scene;
use crate::stage::{Run, Stage};
use crate::watch::Watch;

/// A bound for loops that end at an event: runs take half a second on a fast machine, what they wait for takes half a
/// minute; on a slow one many come to nothing because a JobManager did not answer in time.
const MOST_RUNS: usize = 300;
const ENOUGH: f64 = 0.95;
/// Longer than any file has to wait here before it may go.
const PATIENCE: Duration = Duration::from_secs(12);

/// One row of the table.
pub(crate) struct Outcome {
    /// Bytes on storage before the first run, and of these what nothing needed.
    pub(crate) before: u64,
    pub(crate) garbage_before: u64,
    pub(crate) while_it_ran: Freed,
    pub(crate) at_the_end: Freed,
    /// Of all that was ever garbage in this scene.
    pub(crate) of_all: f64,
    /// Bytes on storage when all was done.
    pub(crate) after: u64,
    pub(crate) restored: &'static [ClaimMode],
    pub(crate) looks: u32,
    pub(crate) took: Duration,
    pub(crate) story: String,
}

/// What became of the garbage once the grace period had passed.
pub(crate) struct Freed {
    /// Of its bytes.
    pub(crate) share: f64,
    /// Why the rest is there, if that is more than little: the guards that account for it, with all that they keep.
    pub(crate) kept_by: Vec<(&'static str, u64)>,
}

pub(crate) fn play(scene: Scene) -> Outcome {
    let started = Instant::now();
    let mut stage = Stage::set(scene);
    let watch = Watch::start(stage.roots(), stage.kept(), stage.cluster.clone());
    let mut ledger = Ledger::new();
    ledger.note("before any trouble", &stage);
    scene.leak.make(&mut stage);
    ledger.find_garbage(&mut stage);
    let (before, garbage_before) = (ledger.all_bytes(), ledger.garbage_bytes());

    let guards = scene.guards_while_it_runs();
    let while_it_ran = prune_while_it_runs(&mut stage, &mut ledger, guards);
    stage.wait_for_checkpoints(2);
    let health = Health::of(&stage.flink);
    health.assert_that_no_file_is_gone();

    if scene.high_availability {
        stage.kill_job_manager();
        Health::of(&stage.flink).assert_that_no_file_is_gone();
    }
    stage.cancel();
    ledger.find_garbage_of_the_dead(&stage);
    let at_the_end = prune_what_has_ended(scene, &mut stage, &mut ledger);

    let looks = watch.stop();
    assert!(
        looks.missing.is_empty(),
        "{:#?} in {} looks",
        looks.missing,
        looks.count
    );
    let after = ledger.all_bytes();
    let (latest, modes) = match scene.leak {
        Leak::ClaimedForEver => (claimed::repair(&stage), &[ClaimMode::NoClaim][..]),
        _ => (
            stage.latest_restorable(),
            ClaimMode::all(scene.version, scene.backend),
        ),
    };
    let row = stage.inventory_row();
    for &mode in modes {
        stage.restore_and_compare(&latest, mode);
    }
    Outcome {
        before,
        garbage_before,
        while_it_ran,
        at_the_end,
        of_all: ledger.share_of_all_gone(),
        after,
        restored: modes,
        looks: looks.count,
        took: started.elapsed(),
        story: format!(
            "{ledger}Flink after these runs: {health}\nrestored exactly from {}; the inventory says:\n{row}\n{}\n",
            latest.path,
            stage.metrics(),
        ),
    }
}

/// Runs follow one another until the garbage is gone: the first marks, a later one notes the witness, and grace must
/// pass. Where live files cannot be told from garbage they end when nothing waits for anything, and guards say why.
fn prune_while_it_runs(stage: &mut Stage, ledger: &mut Ledger, guards: &[&'static str]) -> Freed {
    let mut stuck: Option<Instant> = None;
    for _ in 0..MOST_RUNS {
        if ledger.share_gone() >= ENOUGH {
            return freed(ledger, Vec::new());
        }
        let run = stage.run();
        ledger.note_run(&run, stage);
        assert!(
            run.deleted_bytes() == 0 || run.number >= 2,
            "deleted without a mark\n{ledger}"
        );
        let kept_by = run.keepers(guards);
        if bytes(&kept_by) < ledger.garbage_left() || run.waiting_bytes() > 0 {
            stuck = None;
        } else if stuck.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return freed(ledger, kept_by);
        }
        stage.wait_for_checkpoints(1);
    }
    panic!(
        "after {MOST_RUNS} runs there is garbage left: {:#?}\n{ledger}",
        ledger.left()
    );
}

/// Nothing of a job that has ended is in flight, so nothing stays but what snapshots name that rules keep, and what a guard
/// names.
fn prune_what_has_ended(scene: Scene, stage: &mut Stage, ledger: &mut Ledger) -> Freed {
    let kept = scene.kept_to_the_end();
    let may_stay = |path: &Path| {
        kept.is_some_and(|(folder, _)| path.components().any(|part| part.as_os_str() == folder))
    };
    let mut last: Option<Run> = None;
    for _ in 0..MOST_RUNS {
        let disk = stage.disk();
        let done = |run: &mut Run| {
            run.waiting_bytes() == 0 && disk.unreferenced.keys().all(|path| may_stay(path))
        };
        if let Some(run) = last.take_if(done) {
            let kept_by = match kept {
                Some((_, guard)) if !disk.unreferenced.is_empty() => run.keepers(&[guard]),
                Some(_) | None => Vec::new(),
            };
            let left = disk.unreferenced_bytes();
            assert!(
                bytes(&kept_by) >= left,
                "{left} bytes of garbage are left, but guards keep only {kept_by:?}\n{ledger}"
            );
            return freed(ledger, kept_by);
        }
        let run = stage.run();
        ledger.note_run(&run, stage);
        last = Some(run);
    }
    let left = stage.disk().unreferenced;
    panic!(
        "after {MOST_RUNS} runs there is garbage left: {left:#?}\n{:#}\n{ledger}",
        last.map(|run| run.guards().clone()).unwrap_or_default()
    );
}

fn bytes(kept_by: &[(&'static str, u64)]) -> u64 {
    kept_by.iter().map(|(_, bytes)| bytes).sum()
}

fn freed(ledger: &Ledger, kept_by: Vec<(&'static str, u64)>) -> Freed {
    Freed {
        share: ledger.share_gone(),
        kept_by,
    }
}
