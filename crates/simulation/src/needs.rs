//! What must not be deleted, by the model's own knowledge.

use crate::flink::{JobManager, Resource, Snapshot, Stage};
use crate::world::{BASE, Millis, World};
use std::collections::BTreeSet;
use std::sync::Arc;

impl World {
    /// What a live job or its recovery would read of its own, whatever anybody has seen of it.
    pub(crate) fn needed(&self) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        for resource in &self.resources {
            let home = format!("{}/", resource.home());
            let entries = resource.map.iter().flat_map(|map| &map.entries);
            let retained = entries
                .filter(|entry| !entry.marked)
                .flat_map(|entry| entry.snapshot.paths());
            let live = resource.job_manager.iter().flat_map(live);
            needed.extend(retained.chain(live).filter(|path| path.starts_with(&home)));
        }
        needed
    }

    /// Why nothing in the directory of this file may be touched, if so.
    pub(crate) fn untouchable(&self, path: &str) -> Option<&'static str> {
        let job = path.strip_prefix(BASE)?.split('/').nth(1)?;
        let owner = self.resources.iter().find(|known| known.has_had(job))?;
        if !owner.visible {
            return Some("it belongs to a job that the operator cannot know");
        }
        let concurrent = owner.max_concurrent > 1 && owner.job_manager.is_some();
        (concurrent && owner.job == job && owner.stage == Stage::Running)
            .then_some("its job runs with several checkpoints at a time")
    }

    /// What people and policies want, and what snapshots of others a job was started from. It counts once an operator
    /// had the chance to see it: nobody can protect what is named after they last looked.
    pub(crate) fn wanted(&self) -> BTreeSet<String> {
        let mut wanted = BTreeSet::new();
        let whole: Vec<&Arc<Snapshot>> = self
            .snapshots
            .iter()
            .filter(|snapshot| self.is_whole(snapshot))
            .collect();
        // What a job that nobody can see was started from, nobody can protect (storage life cycle 11.7).
        for resource in self.resources.iter().filter(|known| known.visible) {
            let roots = resource.root.iter().filter(|root| self.is_whole(root));
            let restored = resource.map.iter().flat_map(|map| &map.entries);
            let restored = restored.map(|entry| &entry.snapshot);
            wanted.extend(roots.chain(restored).flat_map(|snapshot| snapshot.paths()));
            let live = resource.job_manager.iter().flat_map(live);
            wanted.extend(live);
            let own: Vec<&Arc<Snapshot>> = whole
                .iter()
                .copied()
                .filter(|snapshot| !snapshot.savepoint && resource.has_had(&snapshot.job))
                .collect();
            for snapshot in self.kept(resource, &own) {
                wanted.extend(snapshot.paths());
            }
        }
        let savepoints = whole.iter().filter(|snapshot| snapshot.savepoint);
        wanted.extend(savepoints.flat_map(|snapshot| snapshot.paths()));
        wanted
    }

    /// Of the whole checkpoints of a resource, oldest first, those that promises and policy keep.
    fn kept<'s>(&self, resource: &Resource, own: &[&'s Arc<Snapshot>]) -> Vec<&'s Arc<Snapshot>> {
        let Some(rules) = self.policy.checkpoints else {
            return own.to_vec();
        };
        // Our clock and the store's may show the age of a snapshot this much too high.
        let ahead = self.deviation.ours - self.deviation.store;
        let within = |since: Millis, time: Option<jiff::SignedDuration>| {
            time.is_some_and(|time| i128::from(self.now() + ahead - since) < time.as_millis())
        };
        let last = rules.keep_last.unwrap_or(0) as usize;
        let settled = matches!(resource.stage, Stage::Terminal(_));
        let succession = rules
            .keep_within
            .unwrap_or(crate::world::minutes(7 * 24 * 60));
        let taken_over = resource
            .own_since
            .is_some_and(|since| i128::from(self.now() - since) >= succession.as_millis());
        let newest_of = |job: &str| own.iter().rev().find(|known| known.job == job);
        own.iter()
            .enumerate()
            .filter(|(position, snapshot)| {
                let current = snapshot.job == resource.job;
                let awaits = current || !taken_over;
                position + 1 == own.len()
                    || own.len() - position <= last
                    || within(snapshot.completed, rules.keep_within)
                    || (current && !settled)
                    || (awaits
                        && newest_of(&snapshot.job)
                            .is_some_and(|newest| Arc::ptr_eq(newest, snapshot)))
            })
            .map(|(_, snapshot)| *snapshot)
            .collect()
    }
}

/// What a running job reads, and what its next checkpoints may name.
fn live(jm: &JobManager) -> Vec<String> {
    let mut paths: Vec<String> = jm.store.iter().flat_map(|known| known.paths()).collect();
    if jm.over.is_some() {
        return paths;
    }
    let base = jm.tasks.iter().flat_map(|task| task.base().into_values());
    let resolvable = base.filter(|file| jm.registry.knows(&file.path) && !jm.full_next);
    paths.extend(resolvable.map(|file| file.path));
    for pending in &jm.pending {
        for part in &pending.parts {
            let files = part.files.iter().filter(|(sst, file)| {
                part.acknowledged || !part.reused.contains(sst) || jm.registry.knows(&file.path)
            });
            paths.extend(files.map(|(_, file)| file.path.clone()));
            paths.extend(part.exclusive.iter().map(|file| file.path.clone()));
        }
        paths.extend(pending.written.iter().map(|snapshot| snapshot.metadata()));
    }
    paths
}
