//! Looks at every checkpoint all the time, so that a file which is missing only for a moment is seen as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::disk::{checkpoint_number, files, is_metadata};
use crate::support::Cluster;
use crate::support::cluster::NAMESPACE;

const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Watch {
    stop: Sender<()>,
    looking: JoinHandle<Looks>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Looks {
    pub(crate) count: u32,
    /// A `_metadata` that Flink would start from, and a file that it names and that was there once, and was not.
    pub(crate) missing: BTreeSet<(PathBuf, PathBuf)>,
    /// Missing for `_metadata` that Flink itself has let go of, and never takes up again.
    let_go: BTreeSet<(PathBuf, PathBuf)>,
    /// Small state is inside `_metadata` under a name of its own: only what was listed once is a file.
    files: BTreeSet<PathBuf>,
}

impl Watch {
    /// `url` is how Flink names the directory `kept`.
    pub(crate) fn start(
        roots: Vec<PathBuf>,
        (url, kept): (String, PathBuf),
        cluster: Arc<Cluster>,
    ) -> Self {
        let (stop, stopped) = channel();
        let looking = thread::spawn(move || {
            let mut looks = Looks::default();
            // The other end is dropped when the test fails, too.
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                looks.look(&roots, (&url, &kept), &cluster);
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
    fn look(&mut self, roots: &[PathBuf], kept: (&str, &Path), cluster: &Cluster) {
        let listed = roots.iter().flat_map(|root| files(root));
        let (metadata, others): (Vec<PathBuf>, Vec<PathBuf>) =
            listed.partition(|path| is_metadata(path));
        self.files.extend(others);
        let mut suspects = Vec::new();
        for path in metadata {
            let Ok(bytes) = fs::read(&path) else {
                continue;
            };
            for file in named_in(&bytes, path.parent().unwrap(), kept) {
                let suspect = (path.clone(), file);
                if self.files.contains(&suspect.1)
                    && !self.let_go.contains(&suspect)
                    && !suspect.1.exists()
                {
                    suspects.push(suspect);
                }
            }
        }
        if !suspects.is_empty() {
            // Asked after the look: Flink takes an entry out, and has a newer one, before it deletes a file.
            let entries = high_availability_entries(cluster);
            let newest = newest(roots);
            for suspect in suspects {
                let number = checkpoint_number(&suspect.0);
                let is_entry = number
                    .is_some_and(|number| entries.contains(&format!("checkpointID-{number:019}")));
                let verdict = if is_entry || number.is_some() && number >= newest {
                    &mut self.missing
                } else {
                    &mut self.let_go
                };
                verdict.insert(suspect);
            }
        }
        self.count += 1;
    }
}

/// The highest number of a complete checkpoint. Numbers go on from job to job, so they are unique.
fn newest(roots: &[PathBuf]) -> Option<u64> {
    let files = roots.iter().flat_map(|root| files(root));
    files.filter_map(|path| checkpoint_number(&path)).max()
}

/// The checkpoints from which a `JobManager` would choose.
fn high_availability_entries(cluster: &Cluster) -> String {
    let arguments = [
        "get",
        "configmaps",
        "--namespace",
        NAMESPACE,
        "--output=json",
    ];
    cluster.control_plane.kubectl(arguments).unwrap()
}

/// Absolute paths and names beside the `_metadata`, each behind its length as Java writes it: no parser is involved.
fn named_in(metadata: &[u8], directory: &Path, (url, kept): (&str, &Path)) -> BTreeSet<PathBuf> {
    const UUID: usize = 36;
    let text = |start: usize| {
        let length = metadata.get(start.checked_sub(2)?..start)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        str::from_utf8(metadata.get(start..start + length)?).ok()
    };
    let mut named = BTreeSet::new();
    for start in 2..metadata.len() {
        if metadata[start..].starts_with(url.as_bytes()) {
            let path = text(start).and_then(|text| text.strip_prefix(url));
            named.extend(path.map(|path| kept.join(path.trim_start_matches('/'))));
        } else if metadata[start - 2..].starts_with(&[0, 36]) {
            let name = text(start).filter(|name| {
                name.len() == UUID
                    && name
                        .bytes()
                        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
            });
            named.extend(name.map(|name| directory.join(name)));
        }
    }
    named
}
