//! Reads a job's high-availability `ConfigMap` and its blobs, as of one moment.

use crate::engine::{Clock, Stores};
use crate::observe::high_availability_map::{COUNTER, MapName, checkpoint, checkpoint_number};
use crate::observe::source::{ConfigMapData, Source};
use flink_metadata::ha;
use retention::evidence::{HaEntry, HaMap, HighAvailability};
use retention::layout::JobId;
use retention::location::{Location, Origin};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// The largest blob that is read.
const BLOB_LIMIT: u64 = 256 * 1024 * 1024;
/// Flink changes the map once per checkpoint, and reading takes milliseconds.
const ATTEMPTS: usize = 5;

/// How long a volume may take for one blob. One that hangs must not hold up what is learned of all other jobs.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Where a map and its blobs are read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct HaReader<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) stores: &'a Stores,
    pub(super) clock: &'a dyn Clock,
    /// For one blob.
    pub(super) patience: Duration,
}

impl HaReader<'_> {
    /// The map of a job of a Kubernetes cluster, under any of the names that Flink has given it.
    pub(super) async fn job(
        self,
        namespace: &str,
        cluster: &str,
        job_id: JobId,
        origin: &Origin,
    ) -> HighAvailability {
        let mut found = HighAvailability::NoMap {
            read_at: self.clock.now(),
        };
        let mut named: Option<String> = None;
        for name in MapName::spellings(cluster, job_id) {
            match (self.map(namespace, &name, origin).await, &found) {
                (HighAvailability::NoMap { .. }, _) => {}
                (map, HighAvailability::NoMap { .. }) => (found, named) = (map, Some(name)),
                // An upgrade of Flink left the old one; which one the job uses is not told.
                (map, _) => {
                    let first = named.unwrap_or_default();
                    return unreadable(two_maps(namespace, [(&first, &found), (&name, &map)]));
                }
            }
        }
        found
    }

    /// One map. Entries are read between two reads of the map, and count only if both have the same ones: then they are
    /// what Flink retained at that moment, and no blob was removed meanwhile. (The resource version would change also
    /// when the leader election, which up to Flink 1.14 is in the same map, renews its lease.)
    pub(super) async fn map(
        self,
        namespace: &str,
        name: &str,
        origin: &Origin,
    ) -> HighAvailability {
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            let read_at = self.clock.now();
            let before = match self.source.config_map(namespace, name).await {
                Ok(Some(map)) => map,
                Ok(None) => return HighAvailability::NoMap { read_at },
                Err(unread) => return unreadable(format!("{}: {}", unread.what, unread.why)),
            };
            let entries = self.entries(&before, origin).await;
            let unchanged = match self.source.config_map(namespace, name).await {
                Ok(Some(after)) => after.uid == before.uid && pointers(&after) == pointers(&before),
                Ok(None) => false,
                Err(unread) => return unreadable(format!("{}: {}", unread.what, unread.why)),
            };
            match (entries, unchanged) {
                (Ok(entries), true) => {
                    return match counter(&before) {
                        Ok(counter) => HighAvailability::Map(Box::new(HaMap {
                            uid: before.uid,
                            read_at,
                            counter,
                            entries,
                        })),
                        Err(why) => unreadable(format!("ConfigMap {namespace}/{name}: {why}")),
                    };
                }
                (Err(problem), true) => {
                    return unreadable(format!("ConfigMap {namespace}/{name}: {problem}"));
                }
                (Err(problem), false) => why = problem,
                (Ok(_), false) => "its entries changed".clone_into(&mut why),
            }
        }
        unreadable(format!(
            "ConfigMap {namespace}/{name} changed each of {ATTEMPTS} times while it was read ({why})"
        ))
    }

    async fn entries(self, map: &ConfigMapData, origin: &Origin) -> Result<Vec<HaEntry>, String> {
        let mut entries = Vec::new();
        for (key, value) in &map.data {
            let Some(number) = checkpoint_number(key) else {
                continue;
            };
            let entry = self.entry(number?, value, origin).await;
            entries.extend(entry.map_err(|why| format!("{key}: {why}"))?);
        }
        entries.sort_by_key(|entry| entry.checkpoint_id);
        Ok(entries)
    }

    /// None for an entry that Flink was removing when it was killed: it marks an entry, deletes its blob and then
    /// removes the key, and never comes back to one that is left half way (seen with 2.3.0). Nobody can restore from it.
    async fn entry(
        self,
        number: u64,
        value: &str,
        origin: &Origin,
    ) -> Result<Option<HaEntry>, String> {
        let pointer = ha::parse_config_map_value(value)
            .map_err(|error| format!("its value cannot be read: {error}"))?;
        let location = Location::parse(&pointer.path, origin).map_err(|error| error.to_string())?;
        let (storage, blob) = self.stores.resolve(&location).ok_or_else(|| {
            format!("{location} cannot be reached from here; mount it, or grant access")
        })?;
        let read = timeout(self.patience, storage.read(&blob, BLOB_LIMIT)).await;
        let read = read.map_err(|_| {
            let seconds = self.patience.as_secs();
            format!("{location} could not be read within {seconds} s; is its volume there?")
        })?;
        let bytes = match read {
            Ok(contents) => contents.bytes,
            Err(error) if error.is_not_found() && pointer.marked_for_deletion => return Ok(None),
            // Where the pods see it, not where it is mounted here.
            Err(error) => {
                let told = error.to_string();
                return Err(told.replace(error.path(), &location.to_string()));
            }
        };
        let checkpoint = checkpoint(number, &bytes, origin)
            .map_err(|why| format!("{location} cannot be read: {why}"))?;
        Ok(Some(HaEntry {
            checkpoint_id: number,
            marked_for_deletion: pointer.marked_for_deletion,
            checkpoint,
        }))
    }
}

fn pointers(map: &ConfigMapData) -> BTreeMap<&str, &str> {
    map.data
        .iter()
        .filter(|(key, _)| checkpoint_number(key).is_some())
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

fn counter(map: &ConfigMapData) -> Result<Option<u64>, String> {
    let counter = map.data.get(COUNTER).map(|counter| counter.trim().parse());
    counter
        .transpose()
        .map_err(|_| "its checkpoint counter is no number".to_owned())
}

/// Flink restores from one of them, so a person must not be sent to remove the wrong one.
fn two_maps(namespace: &str, maps: [(&str, &HighAvailability); 2]) -> String {
    let [first, second] = maps.map(|(name, map)| format!("{name} ({})", holds(map)));
    format!(
        "both ConfigMap {namespace}/{first} and {second} exist, and which one the job uses is not told: an upgrade of \
         Flink leaves the older one, which has the lower counter and the older entries; keep both if in doubt"
    )
}

fn holds(map: &HighAvailability) -> String {
    let HighAvailability::Map(map) = map else {
        return "cannot be read".to_owned();
    };
    let counter = map.counter.map_or_else(
        || "no counter".to_owned(),
        |counter| format!("counter {counter}"),
    );
    let newest = map.entries.iter().max_by_key(|entry| entry.checkpoint_id);
    newest.map_or_else(
        || format!("{counter}, no checkpoint"),
        |entry| {
            let (number, at) = (entry.checkpoint_id, entry.checkpoint.completed);
            format!("{counter}, newest checkpoint {number} of {at:.0}")
        },
    )
}

fn unreadable(why: String) -> HighAvailability {
    HighAvailability::Unreadable { why }
}

#[cfg(test)]
mod tests;
