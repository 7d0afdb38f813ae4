//! What must not be deleted, by the model's own knowledge.

use crate::flink::{Backend, JobManager, Resource, Snapshot, Stage};
use crate::operator::Told;
use crate::world::{HOUR, Millis, World, in_job_directory, minutes};
use retention::keep::KeepRules;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What people and policies want, and what jobs read that belongs to others.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// By number.
    pub(crate) snapshots: BTreeSet<usize>,
    files: BTreeSet<String>,
}

impl Wanted {
    pub(crate) fn names(&self, world: &World, path: &str) -> bool {
        let mut snapshots = self.snapshots.iter();
        snapshots.any(|&known| world.snapshots[known].names(path)) || self.files.contains(path)
    }
}

impl World {
    /// Why a run must not delete a file.
    pub(crate) fn why_needed(&self, run: usize, path: &str) -> Option<&'static str> {
        let told = self.told.get(&run)?;
        if let Some(why) = self.untouchable(path, told.looked) {
            return Some(why);
        }
        if self.is_needed(path, told) {
            return Some("a job has it or will recover from it");
        }
        // Nobody can protect what is named after they last looked.
        let mut named = told.wanted.snapshots.iter().copied();
        if named.any(|known| self.snapshots[known].names(path)) {
            let wanted = self.wanted();
            let both = wanted.snapshots.intersection(&told.wanted.snapshots);
            if both
                .into_iter()
                .any(|&known| self.snapshots[known].names(path))
            {
                return Some("a snapshot that must stay names it");
            }
        }
        (told.wanted.files.contains(path) && self.wanted().files.contains(path))
            .then_some("a job reads what is another's")
    }

    /// What a live job or its recovery would read of its own, whatever anybody has seen of it.
    pub(crate) fn is_needed(&self, path: &str, told: &Told) -> bool {
        let known = |snapshot: &Snapshot| !told.surprises.contains(&snapshot.number);
        let expected = |jm: &&JobManager| jm.restored.iter().all(|restored| known(restored));
        let job = in_job_directory(path).map(|(_, job, _)| job);
        self.resources.iter().any(|resource| {
            job == Some(resource.job.as_str())
                && (retained(resource).any(|snapshot| known(snapshot) && snapshot.names(path))
                    || resource
                        .job_manager
                        .iter()
                        .filter(expected)
                        .any(|jm| reads(jm, path)))
        })
    }

    /// Why nothing in the directory of this file may be touched, if so, by what could be known at some time.
    pub(crate) fn untouchable(&self, path: &str, looked: Millis) -> Option<&'static str> {
        let (_, job, directory) = in_job_directory(path)?;
        let mut owners = self.resources.iter().filter(|known| known.has_had(job));
        let owner = owners.next()?;
        if owners.next().is_some() {
            return Some("two jobs write into one directory");
        }
        if !owner.visible {
            return Some("it belongs to a job that the operator cannot know");
        }
        if job.bytes().all(|digit| digit == b'0') {
            return Some("many jobs may have this id");
        }
        let jm = owner.job_manager.as_ref()?;
        if owner.job != job || owner.stage != Stage::Running || jm.started >= looked {
            return None;
        }
        // What lies in a `chk-N` is for that checkpoint alone.
        if owner.setup.max_concurrent > 1 && !directory.starts_with("chk-") {
            return Some("its job runs with several checkpoints at a time");
        }
        let special = match owner.setup.backend {
            Backend::HashMap | Backend::RocksDb => false,
            Backend::Changelog | Backend::Merging | Backend::ForSt => {
                !directory.starts_with("chk-")
            }
        };
        special.then_some("its job runs with changelog, merged files or a remote database")
    }

    pub(crate) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        for snapshot in self.whole() {
            let unseen = !self.resources[snapshot.resource].visible;
            if snapshot.opaque || (snapshot.savepoint && unseen) {
                wanted.snapshots.insert(snapshot.number);
            }
        }
        // What a job that nobody can see was started from, nobody can protect (storage life cycle 11.7).
        for resource in self.resources.iter().filter(|known| known.visible) {
            let roots = resource.root.iter();
            let roots = roots.filter(|root| self.is_whole(root)).map(|root| &**root);
            let stored = resource
                .job_manager
                .iter()
                .flat_map(|jm| held(resource, jm));
            let all = roots
                .chain(retained(resource))
                .chain(stored.map(|snapshot| &**snapshot));
            wanted.snapshots.extend(all.map(|snapshot| snapshot.number));
            if let Some(jm) = &resource.job_manager {
                let home = format!("{}/", resource.home());
                wanted.files.extend(read_elsewhere(jm, &home));
            }
            self.kept(resource, &mut wanted.snapshots);
        }
        wanted
    }

    /// Of the whole snapshots of a resource those that promises and policy keep.
    fn kept(&self, resource: &Resource, kept: &mut BTreeSet<usize>) {
        let own = self.whole().map(|snapshot| &**snapshot);
        let own = own.filter(|known| known.resource == resource.number && !known.opaque);
        let mut own: Vec<&Snapshot> = own.collect();
        // Of those of one moment the one that was triggered last is the newest.
        own.sort_by_key(|known| (known.completed, known.id));
        let (deleted, own): (Vec<&Snapshot>, Vec<&Snapshot>) = own
            .into_iter()
            .partition(|known| resource.deletion_of(&known.job).is_some());
        self.kept_of_deleted(resource, &deleted, kept);
        // The newest of the resource, and of each of its jobs until another has taken over.
        let succession = self.policy.checkpoints.and_then(|rules| rules.keep_within);
        let succession = succession.unwrap_or(minutes(7 * 24 * 60));
        let taken_over = resource
            .own_since
            .is_some_and(|since| i128::from(self.now() - since) >= succession.as_millis());
        let newest = own.iter().enumerate().filter(|(position, snapshot)| {
            let newer = own.get(position + 1..).unwrap_or_default();
            let awaits = snapshot.job == resource.job || !taken_over;
            newer.is_empty() || awaits && newer.iter().all(|newer| newer.job != snapshot.job)
        });
        kept.extend(newest.map(|(_, snapshot)| snapshot.number));
        let (savepoints, checkpoints): (Vec<&Snapshot>, Vec<&Snapshot>) =
            own.into_iter().partition(|known| known.savepoint);
        // Without high availability it goes back to where it began, so what it has left may be ahead of it.
        let lost = !resource.setup.high_availability && resource.stage == Stage::Running;
        let current = checkpoints
            .iter()
            .filter(|known| lost && known.job == resource.job);
        kept.extend(current.map(|known| known.number));
        kept.extend(checkpoints.last().map(|known| known.number));
        match self.policy.checkpoints {
            None => kept.extend(checkpoints.iter().map(|known| known.number)),
            Some(rules) => self.kept_by(rules, &checkpoints, kept),
        }
        match &self.policy.savepoints {
            None => kept.extend(savepoints.iter().map(|known| known.number)),
            Some(rules) => {
                self.kept_by(rules.keep, &savepoints, kept);
                self.kept_each_hour(rules.keep_hourly, &savepoints, kept);
            }
        }
    }

    /// Of a deleted resource everything stays, until the policy lets all of it go: savepoints only if it speaks of them.
    fn kept_of_deleted(
        &self,
        resource: &Resource,
        deleted: &[&Snapshot],
        kept: &mut BTreeSet<usize>,
    ) {
        let now = self.our_time();
        let expired = |known: &Snapshot| {
            let deletion = resource.deletion_of(&known.job);
            let since = deletion.and_then(|deletion| deletion.observed);
            let after = self.policy.deleted_jobs;
            let over = since
                .zip(after)
                .map(|(since, after)| now.duration_since(since) >= after);
            over.unwrap_or(false) && (!known.savepoint || self.policy.savepoints.is_some())
        };
        let stays = deleted.iter().filter(|known| !expired(known));
        kept.extend(stays.map(|known| known.number));
    }

    fn kept_by(&self, rules: KeepRules, own: &[&Snapshot], kept: &mut BTreeSet<usize>) {
        // Our clock and the store's may show the age of a snapshot this much too high.
        let ahead = self.deviation.ours - self.deviation.store;
        let within = |since: Millis| {
            let age = i128::from(self.now() + ahead - since);
            rules.keep_within.is_some_and(|time| age < time.as_millis())
        };
        let last = rules.keep_last.unwrap_or(0) as usize;
        for (newer, snapshot) in own.iter().rev().enumerate() {
            if newer < last || within(snapshot.completed) {
                kept.insert(snapshot.number);
            }
        }
    }

    fn kept_each_hour(&self, hours: Option<u32>, own: &[&Snapshot], kept: &mut BTreeSet<usize>) {
        let mut seen = BTreeSet::new();
        for snapshot in own.iter().rev() {
            let hour = (snapshot.completed + self.deviation.store) / HOUR;
            if seen.len() < hours.unwrap_or(0) as usize && seen.insert(hour) {
                kept.insert(snapshot.number);
            }
        }
    }
}

/// What a JobManager has in its store and may start from. It never goes back further than to its newest, so of what a
/// map that was turned back has lost, that is all.
fn owned(jm: &JobManager) -> impl Iterator<Item = &Arc<Snapshot>> {
    let newest = jm.store.last().map(|newest| newest.number);
    jm.store.iter().filter(move |snapshot| {
        !jm.disowned.contains(&snapshot.number) || Some(snapshot.number) == newest
    })
}

/// What a JobManager has in its store, as far as anybody may start from it. Without high availability it goes back to the
/// newest and never further: what the job was restored from is its own business once it has a checkpoint of its own, and
/// after the next failure REST does not tell of it any more.
fn held<'r>(resource: &'r Resource, jm: &'r JobManager) -> impl Iterator<Item = &'r Arc<Snapshot>> {
    let newest = jm.store.last().map(|newest| newest.number);
    owned(jm).filter(move |snapshot| {
        resource.setup.high_availability
            || snapshot.job == resource.job
            || Some(snapshot.number) == newest
    })
}

/// What the next JobManager recovers from.
fn retained(resource: &Resource) -> impl Iterator<Item = &Snapshot> {
    let entries = resource.map.iter().flat_map(|map| &map.entries);
    let retained = entries.filter(|entry| !entry.marked);
    retained.map(|entry| &*entry.snapshot)
}

/// Whether a running job reads a file, or its next checkpoints may name it.
fn reads(jm: &JobManager, path: &str) -> bool {
    owned(jm).any(|snapshot| snapshot.names(path))
        || (jm.over.is_none() && live(jm).any(|live| live == path))
        || jm.pending.iter().any(|pending| {
            let written = pending.written.iter();
            jm.over.is_none() && written.into_iter().any(|snapshot| snapshot.names(path))
        })
}

/// The files of others that a running job reads.
fn read_elsewhere(jm: &JobManager, home: &str) -> Vec<String> {
    if jm.over.is_some() {
        return Vec::new();
    }
    live(jm)
        .filter(|path| !path.starts_with(home))
        .map(str::to_owned)
        .collect()
}

/// What no snapshot names and tasks or pending checkpoints have.
fn live(jm: &JobManager) -> impl Iterator<Item = &str> {
    let registry = &jm.registry;
    let tasks = jm.tasks.iter().flat_map(move |task| {
        let base = task.base().map(move |(sst, file)| {
            let resolved = registry.resolved((task.backend, sst));
            resolved.map_or(file.path.as_str(), |file| file.path.as_str())
        });
        let base = base.filter(move |path| registry.knows(path) && !jm.full_next);
        let held = task.held.values().chain(&task.open);
        let waiting = registry.lying_in_wait(task.backend, task.next);
        base.chain(held.chain(waiting).map(|file| file.path.as_str()))
    });
    let parts = jm.pending.iter().flat_map(|pending| &pending.parts);
    let parts = parts.flat_map(move |part| {
        let files = part.files.iter().filter(move |(sst, file)| {
            part.acknowledged || !part.reused.contains(sst) || registry.knows(&file.path)
        });
        let files = files.map(|(_, file)| file).chain(&part.exclusive);
        files.map(|file| file.path.as_str())
    });
    tasks.chain(parts)
}
