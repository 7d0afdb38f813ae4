//! Everything outside of the engine: storage, the clock, Kubernetes and Flink, as the steps of a scenario change them.

use crate::adapters::{Adapter, Differences, Mirror};
use crate::flink::Job;
use crate::names::{self, Names};
use flink_retention::observe::{ObjectName, Unread};
use jiff::{SignedDuration, Timestamp};
use retention::layout::JobId;
use retention::location::{Location, Origin, Store};
use retention::policy::{Margins, Policy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use storage::Key;
use storage::faults::Fault;
use storage::memory::{MemoryStorage, Node};
use testbed::completed_checkpoint::{CompletedCheckpoint, config_map_value};

/// The base of which scenarios speak where they name none.
pub(crate) const BASE: &str = "/data/ckp";
pub(crate) const NAMESPACE: &str = "flink";

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) names: Names,
    pub(crate) now: Timestamp,
    /// What new files are stamped with.
    stamp: Arc<Mutex<Timestamp>>,
    store_ahead: SignedDuration,
    pub(crate) stores: Vec<(Location, MemoryStorage)>,
    /// What the engine works on.
    pub(crate) adapter: Adapter,
    pub(crate) mirrors: Vec<(Location, Mirror)>,
    pub(crate) differences: Differences,
    pub(crate) faults: Arc<Mutex<Vec<StoreFault>>>,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) maps: BTreeMap<ObjectName, HaMap>,
    /// The jobs of session clusters, and their states.
    pub(crate) clusters: BTreeMap<String, BTreeMap<JobId, String>>,
    /// Other objects, as they were applied.
    pub(crate) objects: Vec<Value>,
    /// `CheckpointInventory` objects, as the operator would have written them.
    pub(crate) records: BTreeMap<String, Value>,
    pub(crate) suspended_namespaces: BTreeMap<String, String>,
    pub(crate) unread: Vec<Unread>,
    pub(crate) processes_unread: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) bases: Vec<Location>,
    pub(crate) selected: Option<Vec<String>>,
    /// What every `_metadata` names, by its location: what only ever was told to this test.
    pub(crate) named: BTreeMap<String, BTreeSet<String>>,
    /// Steps for the middle of the next run, by the number of the observation that they precede.
    pub(crate) meanwhile: Vec<(u64, String)>,
}

/// What happens to calls of the store whose key contains a text.
#[derive(Clone, Debug)]
pub(crate) struct StoreFault {
    pub(crate) operation: storage::Operation,
    pub(crate) key: String,
    pub(crate) fault: Fault,
}

/// The high-availability `ConfigMap` of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct HaMap {
    pub(crate) uid: String,
    pub(crate) counter: Option<u64>,
    pub(crate) entries: BTreeMap<u64, HaEntry>,
    pub(crate) forbidden: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct HaEntry {
    pub(crate) blob: Location,
    pub(crate) marked: bool,
    pub(crate) garbage: bool,
    pub(crate) names: BTreeSet<String>,
    pub(crate) pointer: Location,
}

impl HaMap {
    pub(crate) fn data(&self) -> BTreeMap<String, String> {
        let entries = self.entries.iter().map(|(id, entry)| {
            let value = if entry.garbage {
                "bm90IGEgcG9pbnRlcg==".to_owned()
            } else {
                config_map_value(&entry.blob.to_string(), entry.marked)
            };
            (format!("checkpointID-{id:019}"), value)
        });
        let counter = self
            .counter
            .map(|counter| ("counter".to_owned(), counter.to_string()));
        entries.chain(counter).collect()
    }
}

impl State {
    pub(crate) fn new(adapter: Adapter) -> Self {
        let now: Timestamp = start();
        Self {
            names: Names::default(),
            now,
            stamp: Arc::new(Mutex::new(now)),
            store_ahead: SignedDuration::ZERO,
            stores: Vec::new(),
            adapter,
            mirrors: Vec::new(),
            differences: Differences::default(),
            faults: Arc::default(),
            jobs: BTreeMap::new(),
            maps: BTreeMap::new(),
            clusters: BTreeMap::new(),
            objects: Vec::new(),
            records: BTreeMap::new(),
            suspended_namespaces: BTreeMap::new(),
            unread: Vec::new(),
            processes_unread: None,
            policy: Policy {
                margins: Margins {
                    clock_skew: SignedDuration::from_mins(1),
                    settle: SignedDuration::from_mins(2),
                },
                ..Policy::default()
            },
            bases: vec![parse(BASE)],
            selected: None,
            named: BTreeMap::new(),
            meanwhile: Vec::new(),
        }
    }

    pub(crate) fn wait(&mut self, how_long: SignedDuration) {
        self.remember();
        self.now = self.now.checked_add(how_long).unwrap();
        self.stamp_now(SignedDuration::ZERO);
        self.remember();
    }

    pub(crate) fn store_ahead(&mut self, ahead: SignedDuration) {
        self.store_ahead = ahead;
        self.stamp_now(SignedDuration::ZERO);
    }

    fn stamp_now(&self, age: SignedDuration) {
        let stamp = self.now.checked_add(self.store_ahead).unwrap();
        *self.stamp.lock().unwrap() = stamp.checked_sub(age).unwrap();
    }

    /// The place that a path of a scenario names: relative to the base, absolute, `@namespace/absolute` or a URI.
    pub(crate) fn file(&mut self, path: &str) -> Location {
        let (parent, name) = path.rsplit_once('/').unwrap_or((BASE, path));
        let parent = directory(if parent.is_empty() { "/" } else { parent });
        self.file_in(&parent, name)
    }

    pub(crate) fn file_in(&mut self, directory: &Location, name: &str) -> Location {
        let name = self.names.file(&identity(directory), name);
        directory.join(&name)
    }

    /// The store that holds a location, and the key there.
    pub(crate) fn store(&mut self, location: &Location) -> (MemoryStorage, Key) {
        let key = Key::parse(location.path().trim_start_matches('/')).unwrap();
        let known = self
            .stores
            .iter()
            .find(|(root, _)| root.store() == location.store());
        if let Some((_, storage)) = known {
            return (storage.clone(), key);
        }
        let mut root = location.clone();
        while root.parent() != root {
            root = root.parent();
        }
        let stamp = Arc::clone(&self.stamp);
        let mut storage = MemoryStorage::new(Arc::new(move || *stamp.lock().unwrap()));
        if !self.adapter.has_directories() {
            storage = storage.without_directories();
        }
        self.stores.push((root, storage.clone()));
        (storage, key)
    }

    pub(crate) fn put(&mut self, location: &Location, node: Node, age: SignedDuration) {
        let (storage, key) = self.store(location);
        self.stamp_now(age);
        storage.insert(&key, node);
        self.stamp_now(SignedDuration::ZERO);
    }

    pub(crate) fn put_at(&mut self, location: &Location, node: Node, time: Timestamp) {
        let (storage, key) = self.store(location);
        *self.stamp.lock().unwrap() = time;
        storage.insert(&key, node);
        self.stamp_now(SignedDuration::ZERO);
    }

    pub(crate) fn read(&mut self, location: &Location) -> Option<Vec<u8>> {
        let (storage, key) = self.store(location);
        let files = storage.files();
        let found = files.into_iter().find(|(at, _)| *at == key);
        found.map(|(_, bytes)| bytes.to_vec())
    }

    pub(crate) fn remove(&mut self, location: &Location) {
        let (storage, key) = self.store(location);
        storage.remove(&key);
    }

    /// Every file of every store but journals and high-availability data.
    pub(crate) fn files(&self) -> Vec<Location> {
        let mut files: Vec<Location> = self
            .stores
            .iter()
            .flat_map(|(root, storage)| {
                let keys = storage.files();
                keys.into_iter().map(|(key, _)| root.join(key.as_str()))
            })
            .filter(|location| !location.path().contains("/.flink-retention/"))
            .filter(|location| !location.path().starts_with("/data/ha/"))
            .collect();
        files.sort();
        files
    }

    /// What the operator's observe loop writes down of every resource.
    pub(crate) fn remember(&mut self) {
        let State {
            jobs, records, now, ..
        } = self;
        for job in jobs.values() {
            job.remember(records, *now);
        }
    }

    /// Puts a retained checkpoint into the high-availability data of a job.
    pub(crate) fn retain(
        &mut self,
        map: &ObjectName,
        checkpoint: &CompletedCheckpoint,
        pointer: Location,
    ) {
        let id = checkpoint.checkpoint_id;
        let mut blob = pointer.clone();
        while blob.parent() != blob {
            blob = blob.parent();
        }
        let blob = blob.join(&format!("data/ha/{}/completedCheckpoint{id:012}", map.name));
        let names = checkpoint
            .files
            .iter()
            .map(|(path, _)| locate(path).to_string())
            .collect();
        self.put(
            &blob,
            Node::File(checkpoint.to_bytes().into()),
            SignedDuration::ZERO,
        );
        let map = self.maps.entry(map.clone()).or_default();
        map.counter = map.counter.max(Some(id + 1));
        map.entries.insert(
            id,
            HaEntry {
                blob,
                marked: false,
                garbage: false,
                names,
                pointer,
            },
        );
    }

    /// Every file that the `_metadata` files on storage and the high-availability data name.
    pub(crate) fn needed(&self) -> BTreeSet<String> {
        let on_storage: BTreeSet<String> = self.files().iter().map(ToString::to_string).collect();
        let stored = self
            .named
            .iter()
            .filter(|(metadata, _)| on_storage.contains(*metadata));
        let retained = self.maps.values().flat_map(|map| map.entries.values());
        stored
            .flat_map(|(_, names)| names)
            .chain(retained.flat_map(|entry| &entry.names))
            .cloned()
            .collect()
    }
}

/// A place, apart from places of the same path elsewhere.
pub(crate) fn identity(location: &Location) -> String {
    format!("{:?}{}", location.store(), location.path())
}

/// As scenarios write it, before names are shortened.
pub(crate) fn spelled(location: &Location) -> String {
    match location.store() {
        Store::File {
            namespace: Some(namespace),
            volume: _,
        } if namespace != NAMESPACE => format!("@{namespace}{}", location.path()),
        _ => location.to_string(),
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// The place of a directory.
pub(crate) fn directory(path: &str) -> Location {
    locate(&names::directory(path))
}

/// A real path as scenarios write it.
pub(crate) fn locate(path: &str) -> Location {
    if let Some(rest) = path.strip_prefix('@') {
        let (namespace, path) = rest.split_once('/').unwrap();
        return in_namespace(&format!("/{path}"), namespace);
    }
    if path.starts_with('/') || path.contains(':') {
        return parse(path);
    }
    parse(&format!("{BASE}/{path}"))
}

fn parse(path: &str) -> Location {
    in_namespace(path, NAMESPACE)
}

pub(crate) fn in_namespace(path: &str, namespace: &str) -> Location {
    let origin = Origin {
        namespace: Some(namespace.to_owned()),
        ..Origin::default()
    };
    Location::parse(path, &origin).unwrap_or_else(|error| panic!("{path}: {error}"))
}
