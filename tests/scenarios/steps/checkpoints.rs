//! What a running job writes, and what its JobManager keeps and removes of it.

use super::{Done, Words, number};
use crate::names::{self, job_id};
use crate::state::{State, directory};
use flink_retention::observe::ObjectName;
use jiff::SignedDuration;
use retention::evidence::RestCheckpoint;
use retention::location::Location;
use storage::memory::Node;
use testbed::completed_checkpoint::CompletedCheckpoint;
use testbed::snapshot::SnapshotFile;

impl State {
    /// False if it is no step of this kind.
    pub(super) fn checkpoint_step(&mut self, step: &Words<'_>) -> Result<bool, String> {
        let Words {
            head,
            options,
            text: _,
            block: _,
        } = step;
        let done: Done = match head.as_slice() {
            ["checkpoint", id, number, "names", names @ ..] => {
                self.checkpoint(id, number, names, options)
            }
            ["begin", id, number, "uploads", names @ ..] => self.begin(id, number, names),
            ["abort", id, number] => self.abort(id, number),
            ["snapshot" | "savepoint", path, "names", names @ ..] => {
                let directory = directory(path);
                self.snapshot(&directory, 1, names).map(|_| ())
            }
            _ => return Ok(false),
        };
        done.map(|()| true)
    }

    /// A checkpoint completes; the oldest beyond the number that Flink retains is subsumed.
    fn checkpoint(
        &mut self,
        id: &str,
        number_text: &str,
        names: &[&str],
        options: &[&str],
    ) -> Done {
        let number: u64 = number(number_text)?;
        let now = self.now;
        let job = self.running(id)?;
        let (directory, map, retains, with_ha) = (
            job.directory().join(&format!("chk-{number}")),
            job.map_name(),
            job.retains,
            job.with_ha,
        );
        let pending = job.rest.checkpoints.iter().find(|known| known.id == number);
        let triggered = pending.map_or(now, |pending| pending.triggered);
        job.rest
            .checkpoints
            .retain(|known| known.id > number || known.status == "COMPLETED");
        let skip = |what: &str| options.contains(&what);
        if !skip("not in rest") {
            job.rest.checkpoints.push(RestCheckpoint {
                id: number,
                status: "COMPLETED".to_owned(),
                is_savepoint: false,
                triggered,
                latest_ack: Some(now),
                external_path: Some(directory.clone()),
                discarded: false,
            });
        }
        let files = self.snapshot(&directory, number, names)?;
        if skip("not in storage") {
            let metadata = directory.join("_metadata");
            self.remove(&metadata);
        }
        if !with_ha {
            return self.subsume_in_memory(id, retains);
        }
        if skip("not in ha") {
            return Ok(());
        }
        let checkpoint = CompletedCheckpoint {
            checkpoint_id: number,
            job_id: job_id(id),
            pointer: directory.to_string(),
            triggered: triggered.as_millisecond(),
            completed: now.as_millisecond(),
            files,
        };
        self.retain(&map, &checkpoint, directory);
        while let Some(oldest) = self.subsumed(&map, retains) {
            self.subsume(id, &map, oldest)?;
        }
        Ok(())
    }

    fn subsumed(&self, map: &ObjectName, retains: usize) -> Option<u64> {
        let entries = &self.maps.get(map)?.entries;
        let live = entries
            .iter()
            .filter(|(_, entry)| !entry.marked && !entry.garbage);
        let ids: Vec<u64> = live.map(|(&id, _)| id).collect();
        (ids.len() > retains).then(|| ids[0])
    }

    /// What Flink deletes of a checkpoint that it no longer needs: all but the shared files, which leak here until a
    /// scenario removes them.
    fn subsume(&mut self, id: &str, map: &ObjectName, number: u64) -> Done {
        let job = self.running(id)?;
        let directory = job.directory().join(&format!("chk-{number}"));
        for known in &mut job.rest.checkpoints {
            known.discarded |= known.id == number;
        }
        let entry = self
            .maps
            .get_mut(map)
            .and_then(|map| map.entries.remove(&number));
        if let Some(entry) = entry {
            self.remove(&entry.blob);
            if entry.pointer == directory {
                self.remove(&directory);
            }
        }
        Ok(())
    }

    /// The same of a JobManager without high availability, which knows only what it made itself.
    fn subsume_in_memory(&mut self, id: &str, retains: usize) -> Done {
        let job = self.running(id)?;
        let directory = job.directory();
        let mut own: Vec<&mut RestCheckpoint> = job
            .rest
            .checkpoints
            .iter_mut()
            .filter(|known| known.status == "COMPLETED" && !known.discarded)
            .collect();
        own.sort_by_key(|known| std::cmp::Reverse(known.id));
        let subsumed: Vec<u64> = own
            .into_iter()
            .skip(retains)
            .map(|known| {
                known.discarded = true;
                known.id
            })
            .collect();
        for number in subsumed {
            self.remove(&directory.join(&format!("chk-{number}")));
        }
        Ok(())
    }

    /// A checkpoint is triggered, and its tasks upload.
    fn begin(&mut self, id: &str, number_text: &str, names: &[&str]) -> Done {
        let number: u64 = number(number_text)?;
        let now = self.now;
        let job = self.running(id)?;
        let (directory, map) = (
            job.directory().join(&format!("chk-{number}")),
            job.map_name(),
        );
        job.rest.checkpoints.push(RestCheckpoint {
            id: number,
            status: "IN_PROGRESS".to_owned(),
            is_savepoint: false,
            triggered: now,
            latest_ack: None,
            external_path: None,
            discarded: false,
        });
        if let Some(map) = self.maps.get_mut(&map) {
            map.counter = map.counter.max(Some(number + 1));
        }
        self.put(&directory, Node::Directory, SignedDuration::ZERO);
        for name in names {
            let (location, size, _) = self.named_file(&directory, name);
            self.put(
                &location,
                Node::File(vec![0; size].into()),
                SignedDuration::ZERO,
            );
        }
        Ok(())
    }

    /// It times out: the JobManager removes its directory and remembers its shared files.
    fn abort(&mut self, id: &str, number_text: &str) -> Done {
        let number: u64 = number(number_text)?;
        let job = self.running(id)?;
        let directory = job.directory().join(&format!("chk-{number}"));
        for known in &mut job.rest.checkpoints {
            if known.id == number {
                "FAILED".clone_into(&mut known.status);
            }
        }
        self.remove(&directory);
        Ok(())
    }

    /// Writes a `_metadata` and the files that it names, where they are not there yet. Returns what it names.
    fn snapshot(
        &mut self,
        directory: &Location,
        id: u64,
        names: &[&str],
    ) -> Result<Vec<(String, u64)>, String> {
        let mut file = SnapshotFile {
            checkpoint_id: checkpoint_number(directory).unwrap_or(id),
            ..SnapshotFile::default()
        };
        let mut all = Vec::new();
        for name in ["own:meta"].iter().chain(names) {
            let (missing, name) = match name.strip_prefix("missing:") {
                Some(name) => (true, name),
                None => (false, *name),
            };
            let (location, size, exclusive) = self.named_file(directory, name);
            let bytes = u64::try_from(size).map_err(|error| error.to_string())?;
            if exclusive {
                file.exclusive.push((location.name().to_owned(), bytes));
            } else if name.contains(':') {
                // In the spelling of the scenario.
                let parent = name.rsplit_once('/').map_or(name, |(parent, _)| parent);
                let parent = names::directory(parent);
                file.shared
                    .push((format!("{parent}/{}", location.name()), bytes));
            } else {
                file.shared.push((location.to_string(), bytes));
            }
            all.push((location.to_string(), bytes));
            if !missing && self.read(&location).is_none() {
                self.put(
                    &location,
                    Node::File(vec![0; size].into()),
                    SignedDuration::ZERO,
                );
            }
        }
        let metadata = directory.join("_metadata");
        let names = all.iter().map(|(path, _)| path.clone()).collect();
        self.named.insert(metadata.to_string(), names);
        self.put(
            &metadata,
            Node::File(file.to_bytes().into()),
            SignedDuration::ZERO,
        );
        Ok(all)
    }

    /// `a` is `shared/a` beside the snapshot's directory, `own:a` a file in it, and a path what it says.
    fn named_file(&mut self, directory: &Location, name: &str) -> (Location, usize, bool) {
        if let Some(own) = name.strip_prefix("own:") {
            return (self.file_in(directory, own), 5, true);
        }
        let location = if name.contains('/') {
            self.file(name)
        } else {
            self.file_in(&directory.parent().join("shared"), name)
        };
        let size = self.read(&location).map_or(10, |bytes| bytes.len());
        (location, size, false)
    }
}

pub(super) fn checkpoint_number(directory: &Location) -> Option<u64> {
    directory.name().strip_prefix("chk-")?.parse().ok()
}
