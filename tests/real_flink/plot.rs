//! How every scene goes.

use std::path::Path;
use std::time::{Duration, Instant};

use testbed::flink::ClaimMode;

use crate::disk::Disk;
use crate::health::Health;
use crate::ledger::Ledger;
use crate::scene::Scene;
use crate::stage::{Run, Stage};
use crate::watch::Watch;

/// A bound for loops that end at an event: runs take about a second, the grace period is ten.
const MOST_RUNS: usize = 60;
const ENOUGH: f64 = 0.95;

/// One row of the table.
pub(crate) struct Outcome {
    /// Bytes on storage before the first run, and of these what nothing needed.
    pub(crate) before: u64,
    pub(crate) garbage_before: u64,
    pub(crate) while_it_ran: WhileItRan,
    /// Bytes on storage when all was done, and what was left of the garbage at the end of the job.
    pub(crate) after: u64,
    pub(crate) share_gone: f64,
    pub(crate) kept_by: Option<&'static str>,
    pub(crate) restored: &'static [ClaimMode],
    pub(crate) looks: u32,
    pub(crate) took: Duration,
    pub(crate) story: String,
}

pub(crate) enum WhileItRan {
    /// Of the garbage.
    Gone(f64),
    KeptBy(&'static str),
}

pub(crate) fn play(scene: Scene) -> Outcome {
    let started = Instant::now();
    let mut stage = Stage::set(scene);
    let watch = Watch::start(stage.roots(), stage.cluster.clone());
    let mut ledger = Ledger::new();
    ledger.note("before any trouble", &stage);
    scene.leak.make(&mut stage);
    ledger.find_garbage(&mut stage);
    let (before, garbage_before) = (ledger.all_bytes(), ledger.garbage_bytes());

    let while_it_ran = match scene.guards_while_it_runs() {
        None => prune_while_it_runs(&mut stage, &mut ledger),
        Some(guards) => ask_while_it_runs(&mut stage, &mut ledger, guards),
    };
    stage.wait_for_checkpoints(2);
    let health = Health::of(&stage.flink);
    health.assert_that_no_file_is_gone();

    if scene.high_availability {
        stage.kill_job_manager();
        Health::of(&stage.flink).assert_that_no_file_is_gone();
    }
    stage.cancel();
    ledger.find_garbage_of_the_dead(&stage);
    let kept_by = prune_what_has_ended(scene, &mut stage, &mut ledger);

    let looks = watch.stop();
    assert!(
        looks.missing.is_empty(),
        "{:#?} in {} looks",
        looks.missing,
        looks.count
    );
    let after = ledger.all_bytes();
    let latest = stage.latest_restorable();
    let row = stage.inventory_row();
    let modes = ClaimMode::all(scene.version, scene.backend);
    for &mode in modes {
        stage.restore_and_compare(&latest, mode);
    }
    Outcome {
        before,
        garbage_before,
        while_it_ran,
        after,
        share_gone: ledger.share_gone(),
        kept_by,
        restored: modes,
        looks: looks.count,
        took: started.elapsed(),
        story: format!(
            "{ledger}Flink after these runs: {health}\nrestored exactly from {}, as the inventory says:\n{row}\n{}\n",
            latest.path,
            stage.metrics(),
        ),
    }
}

/// Runs follow one another until the garbage is gone: the first marks, a later one notes the witness, and grace must
/// pass.
fn prune_while_it_runs(stage: &mut Stage, ledger: &mut Ledger) -> WhileItRan {
    for _ in 0..MOST_RUNS {
        if ledger.share_gone() >= ENOUGH {
            return WhileItRan::Gone(ledger.share_gone());
        }
        let run = stage.run();
        ledger.note_run(&run, stage);
        assert!(
            run.deleted_bytes() == 0 || run.number >= 2,
            "deleted without a mark\n{ledger}"
        );
        stage.wait_for_checkpoints(1);
    }
    panic!("after {MOST_RUNS} runs there is garbage left\n{ledger}");
}

/// Where live files cannot be told from garbage nothing goes, and the run says which guard keeps it.
fn ask_while_it_runs(
    stage: &mut Stage,
    ledger: &mut Ledger,
    guards: &[&'static str],
) -> WhileItRan {
    let mut last = None;
    for _ in 0..3 {
        let run = stage.run();
        ledger.note_run(&run, stage);
        stage.wait_for_checkpoints(1);
        last = Some(run);
    }
    let run = last.unwrap();
    let keeps = |guard: &&&str| run.protected_by(guard) > 0;
    match guards.iter().find(keeps) {
        Some(guard) => WhileItRan::KeptBy(guard),
        // There was none, or Flink itself has deleted it by now.
        None if ledger.share_gone() >= ENOUGH => WhileItRan::Gone(ledger.share_gone()),
        None => panic!("none of {guards:?} keeps anything: {:#}", run.guards()),
    }
}

/// Nothing of a job that has ended is in flight, so nothing unreferenced stays but what a guard names.
fn prune_what_has_ended(
    scene: Scene,
    stage: &mut Stage,
    ledger: &mut Ledger,
) -> Option<&'static str> {
    let kept = scene.kept_to_the_end();
    let may_stay = |path: &Path| {
        kept.is_some_and(|(folder, _)| path.components().any(|part| part.as_os_str() == folder))
    };
    let mut last: Option<Run> = None;
    for _ in 0..MOST_RUNS {
        let disk = stage.disk();
        if let Some(run) = last.take_if(|_| disk.unreferenced.keys().all(|path| may_stay(path))) {
            return kept
                .map(|(_, guard)| guard)
                .filter(|guard| says_why(&run, guard, &disk));
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

/// Whether anything is left; if so, the guard must account for all of it.
fn says_why(run: &Run, guard: &str, disk: &Disk) -> bool {
    let (left, kept) = (disk.unreferenced_bytes(), run.protected_by(guard));
    assert!(
        kept >= left,
        "{left} bytes are left, but {guard} keeps {kept}"
    );
    left > 0
}
