//! Looks at the newest checkpoint all the time, so that a file which is missing only for a moment is seen as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Watch {
    stop: Sender<()>,
    looking: JoinHandle<Looks>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Looks {
    pub(crate) count: u32,
    /// Files in `shared/` that were there once, and were not when the newest checkpoint named them.
    pub(crate) missing: BTreeSet<PathBuf>,
    /// Small state is inside `_metadata` under a name of its own: only what was listed once is a file.
    files: BTreeSet<PathBuf>,
}

impl Watch {
    pub(crate) fn start(job_directory: &Path) -> Self {
        let job_directory = job_directory.to_owned();
        let (stop, stopped) = channel();
        let looking = thread::spawn(move || {
            let mut looks = Looks::default();
            // The other end is dropped when the test fails, too.
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                looks.look(&job_directory);
            }
            looks
        });
        Self { stop, looking }
    }

    pub(crate) fn stop(self) -> Looks {
        let Self { stop, looking } = self;
        drop(stop);
        looking.join().unwrap()
    }
}

impl Looks {
    fn look(&mut self, job_directory: &Path) {
        let shared = job_directory.join("shared");
        self.files.extend(list(&shared));
        let Some((number, metadata)) = newest(job_directory) else {
            return;
        };
        let named = named_in(&String::from_utf8_lossy(&metadata), &shared);
        let files = named.intersection(&self.files);
        let missing: Vec<PathBuf> = files.filter(|file| !file.exists()).cloned().collect();
        // Only of the newest it is certain that Flink itself does not remove it at this moment.
        if newest(job_directory).is_some_and(|(still, _)| still == number) {
            self.missing.extend(missing);
            self.count += 1;
        }
    }
}

/// The number of the newest complete checkpoint, and its `_metadata`.
fn newest(job_directory: &Path) -> Option<(u64, Vec<u8>)> {
    let checkpoints: BTreeMap<u64, PathBuf> = list(job_directory)
        .filter_map(|path| {
            let number = path.file_name()?.to_str()?.strip_prefix("chk-")?;
            Some((number.parse().ok()?, path.join("_metadata")))
        })
        .collect();
    checkpoints
        .into_iter()
        .rev()
        .find_map(|(number, path)| Some((number, fs::read(path).ok()?)))
}

/// `.../shared/<uuid>`, wherever it occurs: no parser is involved.
fn named_in(metadata: &str, shared: &Path) -> BTreeSet<PathBuf> {
    const SHARED: &str = "/shared/";
    const UUID: usize = 36;
    let names = metadata
        .match_indices(SHARED)
        .map(|(start, _)| start + SHARED.len())
        .filter_map(|start| metadata.get(start..start + UUID));
    names.map(|name| shared.join(name)).collect()
}

fn list(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}
