//! What is on storage from moment to moment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::disk::Disk;
use crate::stage::{Run, Stage};

#[derive(Default)]
pub(crate) struct Ledger {
    /// Proven to be unreferenced when it was looked for last.
    garbage: BTreeMap<PathBuf, u64>,
    /// All that ever was, the garbage of each look together.
    all_garbage: BTreeMap<PathBuf, u64>,
    rows: Vec<Row>,
}

struct Row {
    moment: String,
    /// The first of them.
    runs: Option<usize>,
    all: u64,
    unreferenced: u64,
    garbage_left: u64,
    deleted: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&mut self, moment: &str, stage: &Stage) {
        self.add(moment, &stage.disk(), 0);
    }

    /// Runs in a row that delete nothing share one row.
    pub(crate) fn note_run(&mut self, run: &Run, stage: &Stage) {
        let number = run.number;
        let deleted = run.deleted_bytes();
        let idle = self
            .rows
            .pop_if(|row| deleted == 0 && row.runs.is_some() && row.deleted == 0);
        let first = idle.and_then(|row| row.runs).unwrap_or(number);
        let moment = match first {
            first if first == number => format!("run {number}"),
            first => format!("runs {first} to {number}"),
        };
        self.add(&moment, &stage.disk(), deleted);
        if let Some(row) = self.rows.last_mut() {
            row.runs = Some(first);
        }
    }

    /// Of a job that runs: a file that nothing names is garbage if two more checkpoints do not name it either, since
    /// whatever was under way when it was first seen has completed.
    pub(crate) fn find_garbage(&mut self, stage: &mut Stage) {
        let earlier = stage.disk();
        stage.wait_for_checkpoints(2);
        let now = stage.disk();
        let mut garbage = now.unreferenced.clone();
        garbage.retain(|path, _| earlier.unreferenced.contains_key(path));
        self.look_for(garbage);
        self.add("before the first run", &now, 0);
    }

    /// Of jobs that are over: nothing is under way.
    pub(crate) fn find_garbage_of_the_dead(&mut self, stage: &Stage) {
        let now = stage.disk();
        self.look_for(now.unreferenced.clone());
        self.add("after the cancellation", &now, 0);
    }

    fn look_for(&mut self, garbage: BTreeMap<PathBuf, u64>) {
        self.all_garbage.extend(garbage.clone());
        self.garbage = garbage;
    }

    /// Of the bytes that were garbage when it was looked for last.
    pub(crate) fn share_gone(&self) -> f64 {
        share(self.garbage_bytes(), left(&self.garbage))
    }

    /// Of all bytes that ever were garbage here.
    pub(crate) fn share_of_all_gone(&self) -> f64 {
        share(self.all_garbage.values().sum(), left(&self.all_garbage))
    }

    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.garbage.values().sum()
    }

    pub(crate) fn garbage_left(&self) -> u64 {
        left(&self.garbage)
    }

    /// The files of it.
    pub(crate) fn left(&self) -> Vec<&PathBuf> {
        let garbage = self.garbage.keys();
        garbage.filter(|path| path.exists()).collect()
    }

    /// All bytes at the moment that was noted last.
    pub(crate) fn all_bytes(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.all)
    }

    fn add(&mut self, moment: &str, disk: &Disk, deleted: u64) {
        self.rows.push(Row {
            moment: moment.to_owned(),
            runs: None,
            all: disk.referenced + disk.unreferenced_bytes(),
            unreferenced: disk.unreferenced_bytes(),
            garbage_left: self.garbage_left(),
            deleted,
        });
    }
}

fn left(garbage: &BTreeMap<PathBuf, u64>) -> u64 {
    let left = garbage.iter().filter(|(path, _)| path.exists());
    left.map(|(_, bytes)| bytes).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a few million bytes")]
fn share(all: u64, left: u64) -> f64 {
    if all == 0 {
        return 1.0;
    }
    1.0 - left as f64 / all as f64
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:24} {:>8} {:>12} {:>8} {:>8}",
            "kB", "all", "unreferenced", "garbage", "deleted"
        )?;
        for row in &self.rows {
            let Row {
                moment,
                runs: _,
                all,
                unreferenced,
                garbage_left,
                deleted,
            } = row;
            let [all, unreferenced, garbage, deleted] =
                [all, unreferenced, garbage_left, deleted].map(|bytes| bytes / 1000);
            writeln!(
                f,
                "{moment:24} {all:8} {unreferenced:12} {garbage:8} {deleted:8}"
            )?;
        }
        Ok(())
    }
}
