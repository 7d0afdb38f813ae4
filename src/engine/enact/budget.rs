use retention::plan::PlanEntry;

/// How much one run may still delete, in bytes. Only what was really deleted counts.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Option<u64>,
    deleted: u64,
}

impl Budget {
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { limit, deleted: 0 }
    }

    /// The part of a batch that the limit still allows, in its order: `_metadata` first, so that a snapshot that is too
    /// large for one run is no snapshot any more, and the next runs remove the rest.
    ///
    /// The first file that a run deletes may be larger than the limit. Otherwise it would never go.
    pub(super) fn part(&self, batch: &[&PlanEntry]) -> Vec<PlanEntry> {
        let Some(limit) = self.limit else {
            return batch.iter().copied().cloned().collect();
        };
        let mut left = limit.saturating_sub(self.deleted);
        let mut part: Vec<PlanEntry> = Vec::new();
        for &entry in batch {
            let first = limit > 0 && self.deleted == 0 && part.is_empty();
            left = match left.checked_sub(entry.size) {
                Some(left) => left,
                None if first => 0,
                None => break,
            };
            part.push(entry.clone());
        }
        part
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        self.deleted = self.deleted.saturating_add(bytes);
    }
}
