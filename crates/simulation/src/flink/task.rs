use super::snapshot::{Data, Sst};
use std::collections::{BTreeMap, BTreeSet};

/// A subtask with a keyed backend.
#[derive(Debug, Default)]
pub(crate) struct Task {
    /// Which database this is, as long as it is restored without rescaling.
    pub(crate) backend: u64,
    /// The number of its next file.
    pub(crate) next: Sst,
    /// The SST files of the live database, with their sizes; for the changelog its increments and what is materialized.
    pub(crate) live: BTreeMap<Sst, u64>,
    /// What it uploaded or re-used, by checkpoint.
    pub(crate) known: BTreeMap<u64, BTreeMap<Sst, Data>>,
    /// The newest checkpoint that it was told is complete: the base of the next one.
    pub(crate) confirmed: Option<u64>,
    /// What it holds whatever becomes of checkpoints: the changelog since its materialization, a remote database.
    pub(crate) held: BTreeMap<Sst, Data>,
    /// The merged file that it still appends to.
    pub(crate) open: Option<Data>,
    /// The merged files that it made.
    pub(crate) merged: BTreeSet<String>,
}

/// What one task contributes to one checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) task: usize,
    /// The synchronous part is over: what goes into the checkpoint is fixed.
    pub(crate) taken: bool,
    pub(crate) acknowledged: bool,
    pub(crate) files: BTreeMap<Sst, Data>,
    /// Those of them that were there before; they travel as placeholders.
    pub(crate) reused: BTreeSet<Sst>,
    /// The names that the registry gives them.
    pub(crate) backend: u64,
    pub(crate) to_upload: Vec<(Sst, u64)>,
    pub(crate) exclusive: Option<Data>,
}

impl Task {
    /// A task that starts from these files; its base is the checkpoint that it starts from, if it may re-use it.
    pub(crate) fn restored(files: &BTreeMap<Sst, Data>, base: Option<u64>, backend: u64) -> Self {
        Self {
            backend,
            next: files.keys().next_back().map_or(0, |sst| sst + 1),
            live: files.iter().map(|(&sst, file)| (sst, file.size)).collect(),
            known: base.map(|id| (id, files.clone())).into_iter().collect(),
            confirmed: base,
            ..Self::default()
        }
    }

    /// Confirmations may come late, and never take the base back.
    pub(crate) fn confirm(&mut self, id: u64) {
        if self.known.contains_key(&id) && self.confirmed.is_none_or(|base| base < id) {
            self.confirmed = Some(id);
            self.known.retain(|&known, _| known >= id);
        }
    }

    /// The files of its base that are still live: the next checkpoint may name them without uploading them.
    pub(crate) fn base(&self) -> impl Iterator<Item = (Sst, &Data)> {
        let base = self.confirmed.and_then(|id| self.known.get(&id));
        base.into_iter()
            .flatten()
            .filter(|(sst, _)| self.live.contains_key(sst))
            .map(|(&sst, file)| (sst, file))
    }

    /// A new file of so many bytes.
    pub(crate) fn add(&mut self, size: u64) -> Sst {
        let sst = self.next;
        self.next += 1;
        self.live.insert(sst, size);
        sst
    }
}
