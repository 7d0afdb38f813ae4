use super::snapshot::{Data, Snapshot, Sst};
use std::collections::BTreeMap;

/// `SharedStateRegistryImpl`: which shared files this JobManager knows, and who used them last.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    entries: BTreeMap<String, Registered>,
    /// Files that came with checkpoints up to this one are not Flink's to delete.
    pub(crate) highest_not_claimed: u64,
    /// 1.15 knows files by the backend and the local name: what has the name of another is taken for that one.
    logical: BTreeMap<Logical, Data>,
}

/// The backend of a task, and the name of a file in it.
pub(crate) type Logical = (u64, Sst);

#[derive(Clone, Copy, Debug)]
struct Registered {
    created_by: u64,
    last_used: u64,
}

impl Registry {
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    pub(crate) fn register(&mut self, path: &str, checkpoint: u64) {
        let entry = self.entries.entry(path.to_owned()).or_insert(Registered {
            created_by: checkpoint,
            last_used: checkpoint,
        });
        entry.last_used = entry.last_used.max(checkpoint);
    }

    /// The file that a local name stands for from now on.
    pub(crate) fn resolve(&mut self, name: Logical, file: &Data) -> Data {
        self.logical
            .entry(name)
            .or_insert_with(|| file.clone())
            .clone()
    }

    /// What a file of a backend would be taken for whose number is at least this.
    pub(crate) fn lying_in_wait(&self, backend: u64, from: Sst) -> impl Iterator<Item = &Data> {
        self.logical
            .range((backend, from)..=(backend, Sst::MAX))
            .map(|(_, file)| file)
    }

    pub(crate) fn resolved(&self, name: Logical) -> Option<&Data> {
        self.logical.get(&name)
    }

    /// Everything of a checkpoint that was recovered, or restored and claimed.
    pub(crate) fn register_all(&mut self, snapshot: &Snapshot) {
        for file in snapshot.tasks.iter().flat_map(BTreeMap::values) {
            self.register(&file.path, snapshot.id);
        }
    }

    /// Forgets what no checkpoint from `lowest` on uses, and says which of it is to be deleted.
    pub(crate) fn unregister_unused(&mut self, lowest: u64) -> Vec<String> {
        let highest_not_claimed = self.highest_not_claimed;
        let unused: BTreeMap<String, Registered> = self
            .entries
            .extract_if(.., |_, entry| entry.last_used < lowest)
            .collect();
        self.logical
            .retain(|_, file| !unused.contains_key(&file.path));
        unused
            .into_iter()
            .filter(|(_, entry)| entry.created_by > highest_not_claimed)
            .map(|(path, _)| path)
            .collect()
    }
}
