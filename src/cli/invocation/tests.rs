//! What happens between the plan and the verification of what it wants to delete.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Parser;
use testbed::snapshot::SnapshotFile;

use super::*;
use crate::cli::policy::PolicyArguments;
use crate::engine::Step;

const OVER: &str = "00000000000000000000000000000abc";
const NEW: &str = "00000000000000000000000000000def";
const UUID: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";
const MONTH: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

/// Somebody who acts once the plan is made, and before anything is deleted.
struct Meanwhile<F>(F);

impl<F> fmt::Debug for Meanwhile<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl<F: Fn() + Send + Sync> Progress for Meanwhile<F> {
    fn step(&self, step: Step) {
        if step == Step::Verify {
            (self.0)();
        }
    }

    fn advance(&self, _: u64) {}
}

/// A directory with a job that is over, of whose two checkpoints a rule expires the older one, and with an orphan of it.
struct World {
    directory: tempfile::TempDir,
    /// Where its job directories lie, below the directory that the command line names.
    deep: &'static str,
}

impl World {
    fn new(deep: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Self { directory, deep };
        for checkpoint_id in [4, 5] {
            let snapshot = SnapshotFile {
                checkpoint_id,
                ..SnapshotFile::default()
            };
            let metadata = format!("chk-{checkpoint_id}/_metadata");
            world.write(&metadata, &snapshot.to_bytes());
        }
        world.write(&format!("shared/{UUID}"), b"orphan");
        world
    }

    fn base(&self) -> PathBuf {
        self.directory.path().join("ckp")
    }

    fn job(&self) -> PathBuf {
        self.base().join(self.deep).join(OVER)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.job().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - MONTH).unwrap();
    }

    /// Which of the two are left: the older checkpoint, and the orphan.
    fn left(&self) -> (bool, bool) {
        let has = |path: &str| self.job().join(path).exists();
        (has("chk-4/_metadata"), has(&format!("shared/{UUID}")))
    }

    async fn invocation(&self) -> Invocation {
        let arguments = [
            "prune",
            "--stopped",
            OVER,
            "--grace-period",
            "0s",
            "--keep-last",
            "1",
        ];
        let CommandLine { world, policy } = CommandLine::try_parse_from(arguments).unwrap();
        let directories = [Directory::Local(self.base())];
        Invocation::new(&world, &directories, policy.policy())
            .await
            .unwrap()
    }

    /// Marks, and deletes what is marked, while somebody acts in between.
    async fn prune(&self, meanwhile: impl Fn(&Path) + Send + Sync) -> Report {
        let invocation = self.invocation().await;
        invocation.run(Mode::Enforce).await.unwrap();
        assert_eq!(self.left(), (true, true), "the first run only marks");
        let base = self.base();
        let watching = Meanwhile(|| meanwhile(&base));
        let run = invocation.run_watched(Mode::Enforce, &invocation.policy, &watching);
        run.await.unwrap()
    }
}

/// As Flink makes it when a job starts.
fn start(base: &Path) {
    for part in ["shared", "taskowned"] {
        fs::create_dir_all(base.join(NEW).join(part)).unwrap();
    }
}

fn spared_for_the_new_job(report: &Report) -> bool {
    let spared = &report.outcome.spared;
    let because = |why: &str| why.contains("live-descendant") && why.contains(NEW);
    spared.len() == 2 && spared.iter().all(|spared| because(&spared.why))
}

#[tokio::test]
async fn what_is_marked_goes_if_nothing_happens_meanwhile() {
    for deep in ["", "team/a"] {
        let world = World::new(deep);
        let report = world.prune(|_| ()).await;
        assert_eq!(world.left(), (false, false), "{:?}", report.outcome);
    }
}

#[tokio::test]
async fn p4_a_job_that_starts_after_the_plan_may_need_everything() {
    let world = World::new("");
    let report = world.prune(start).await;
    assert_eq!(world.left(), (true, true), "{:?}", report.outcome);
    assert!(spared_for_the_new_job(&report), "{:?}", report.outcome);
    assert!(report.outcome.blocked.is_empty());
}

#[tokio::test]
async fn p4_so_may_one_in_a_directory_that_was_not_there_either() {
    let world = World::new("team/a");
    let report = world.prune(|base| start(&base.join("team/b"))).await;
    assert_eq!(world.left(), (true, true), "{:?}", report.outcome);
    assert!(spared_for_the_new_job(&report), "{:?}", report.outcome);
}

/// Its files may be named by a checkpoint that came after the references were read.
#[tokio::test]
async fn p4_so_may_one_that_has_made_its_first_checkpoint_by_then() {
    let world = World::new("");
    let invocation = world.invocation().await;
    start(&world.base());
    let metadata = world.base().join(NEW).join("chk-6/_metadata");
    fs::create_dir_all(metadata.parent().unwrap()).unwrap();
    fs::write(&metadata, SnapshotFile::default().to_bytes()).unwrap();
    let evidence = invocation.observer.observe().await;
    let unclear = |job: &retention::evidence::JobEvidence| {
        job.name.name == NEW && matches!(job.phase, retention::evidence::Phase::Unclear { .. })
    };
    assert!(evidence.jobs.iter().any(unclear), "{evidence:?}");
}

#[tokio::test]
async fn p3_where_nobody_can_tell_who_has_come_everything_stays() {
    let world = World::new("");
    let invocation = world.invocation().await;
    assert!(invocation.observer.observe().await.gaps.is_empty());
    // The volume goes away, and its mount point is left.
    fs::rename(world.base(), world.directory.path().join("away")).unwrap();
    fs::create_dir(world.base()).unwrap();
    let gaps = invocation.observer.observe().await.gaps;
    let [gap] = gaps.as_slice() else {
        panic!("{gaps:?}");
    };
    assert_eq!(gap.radius, [retention::evidence::Radius::All]);
}
