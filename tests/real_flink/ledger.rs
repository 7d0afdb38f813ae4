//! What is in `shared/` from moment to moment, by the bytes of the `_metadata` and not by any code of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use testbed::flink::SharedState;

use crate::scene::{Run, Scene};

#[derive(Default)]
pub(crate) struct Ledger {
    /// Proven to be unreferenced before the first run.
    garbage: BTreeMap<PathBuf, u64>,
    rows: Vec<Row>,
}

struct Row {
    moment: String,
    /// The first of them.
    runs: Option<usize>,
    referenced: u64,
    unreferenced: u64,
    garbage_left: u64,
    deleted: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&mut self, moment: &str, scene: &Scene) {
        self.add(moment, &measure(scene), 0);
    }

    /// Runs in a row that delete nothing share one row.
    pub(crate) fn note_run(&mut self, run: &Run, scene: &Scene) {
        let Run { number, .. } = run;
        let deleted = run.deleted_bytes();
        let idle = self
            .rows
            .pop_if(|row| deleted == 0 && row.runs.is_some() && row.deleted == 0);
        let first = idle.and_then(|row| row.runs).unwrap_or(*number);
        let moment = match first {
            first if first == *number => format!("run {number}"),
            first => format!("runs {first} to {number}"),
        };
        self.add(&moment, &measure(scene), deleted);
        if let Some(row) = self.rows.last_mut() {
            row.runs = Some(first);
        }
    }

    /// A file that nothing names is garbage if two more checkpoints do not name it: whatever was under way when it was
    /// first seen has completed.
    pub(crate) fn find_garbage(&mut self, scene: &mut Scene) {
        let earlier = measure(scene);
        scene.wait_for_checkpoints(2);
        let now = measure(scene);
        let still = now
            .unnamed
            .iter()
            .filter(|file| earlier.unnamed.contains(file));
        self.garbage = still.cloned().collect();
        self.add("before the first run", &now, 0);
    }

    /// Of the bytes that were garbage before the first run.
    #[allow(clippy::cast_precision_loss, reason = "a few million bytes")]
    pub(crate) fn share_gone(&self) -> f64 {
        let all: u64 = self.garbage.values().sum();
        let left = self.rows.last().map_or(all, |row| row.garbage_left);
        1.0 - left as f64 / all as f64
    }

    /// At the moment that was noted last.
    pub(crate) fn unreferenced(&self) -> u64 {
        self.rows.last().unwrap().unreferenced
    }

    fn add(&mut self, moment: &str, shared: &SharedState, deleted: u64) {
        let garbage = self.garbage.iter().filter(|(path, _)| path.exists());
        self.rows.push(Row {
            moment: moment.to_owned(),
            runs: None,
            referenced: shared.named_bytes(),
            unreferenced: shared.unnamed_bytes(),
            garbage_left: garbage.map(|(_, bytes)| bytes).sum(),
            deleted,
        });
    }
}

fn measure(scene: &Scene) -> SharedState {
    SharedState::measure(&scene.flink.job_directory()).unwrap()
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:24} {:>8} {:>12} {:>8} {:>8}",
            "kB in shared/", "all", "unreferenced", "garbage", "deleted"
        )?;
        for row in &self.rows {
            let [all, unreferenced, garbage, deleted] = [
                row.referenced + row.unreferenced,
                row.unreferenced,
                row.garbage_left,
                row.deleted,
            ]
            .map(|bytes| bytes / 1000);
            let moment = &row.moment;
            writeln!(
                f,
                "{moment:24} {all:8} {unreferenced:12} {garbage:8} {deleted:8}"
            )?;
        }
        write!(
            f,
            "{:.1} % of the garbage that was there before the first run is gone",
            self.share_gone() * 100.0
        )
    }
}
