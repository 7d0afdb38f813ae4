//! The steps of a scenario that change the world; `README.md` in this directory lists them for people.

use crate::flink::{Job, Rest};
use crate::names::job_id;
use crate::state::{BASE, NAMESPACE, State, StoreFault, identity, locate};
use crate::words::{clauses, duration};
use flink_retention::observe::Unread;
use jiff::{SignedDuration, Timestamp};
use retention::evidence::{RestCheckpoint, RestRestored, StateBackend};
use retention::keep::KeepRules;
use retention::location::Location;
use retention::reference::DirectoryKey;
use serde_json::{Value, json};
use storage::Operation;
use storage::faults::{Failure, Fault};
use storage::memory::Node;
use testbed::completed_checkpoint::CompletedCheckpoint;
use testbed::snapshot::SnapshotFile;

type Done = Result<(), String>;

impl State {
    pub(crate) fn step(&mut self, text: &str, block: &[String]) -> Done {
        let (head, options) = clauses(text);
        match head.as_slice() {
            ["wait", how_long] => {
                self.wait(duration(how_long)?);
                Ok(())
            }
            ["job", name, "runs", id] => self.job(name, id, &options),
            ["apply"] => self.apply(block),
            ["drop", kind, name] => {
                self.objects.retain(|object| {
                    object["kind"] != *kind || object["metadata"]["name"] != *name
                });
                Ok(())
            }
            ["set", name, ..] => self.set(name, text),
            ["suspend", name] => {
                let job = self.find(name)?;
                job.object.as_mut().ok_or("it is gone")?["spec"]["job"]["state"] =
                    json!("suspended");
                job.status("FINISHED", "SUSPENDED");
                job.processes = false;
                Ok(())
            }
            ["resume", name] => {
                let job = self.find(name)?;
                job.object.as_mut().ok_or("it is gone")?["spec"]["job"]["state"] = json!("running");
                job.status("RUNNING", "STABLE");
                job.processes = true;
                Ok(())
            }
            ["cancel" | "finish" | "fail", name] => {
                let state = match head[0] {
                    "cancel" => "CANCELED",
                    "finish" => "FINISHED",
                    _ => "FAILED",
                };
                let job = self.find(name)?;
                job.status(state, "STABLE");
                job.processes = false;
                let map = job.map_name();
                self.maps.remove(&map);
                Ok(())
            }
            ["delete", name] => {
                self.remember();
                let job = self.find(name)?;
                job.object = None;
                job.processes = false;
                let map = job.map_name();
                self.maps.remove(&map);
                Ok(())
            }
            ["noticed", name] => self.noticed(name),
            ["upgrade", name, "to", id] => self.upgrade(name, id, &options),
            ["kill", name] => self.kill(name),
            ["rest", name, field, value @ ..] => self.find(name)?.rest.set(field, &value.join(" ")),
            ["cluster", name, "runs", id, state] => {
                let jobs = self.clusters.entry((*name).to_owned()).or_default();
                let id = job_id(id).parse().map_err(|_| "no job id")?;
                jobs.insert(id, (*state).to_owned());
                Ok(())
            }
            ["processes", "unread", why @ ..] => {
                self.processes_unread = Some(why.join(" "));
                Ok(())
            }
            ["processes", name, word] => {
                self.find(name)?.processes = *word == "present";
                Ok(())
            }
            ["ha", name, rest @ ..] => self.high_availability(name, rest),
            ["checkpoint", id, number, "names", names @ ..] => {
                self.checkpoint(id, number, names, &options)
            }
            ["begin", id, number, "uploads", names @ ..] => self.begin(id, number, names),
            ["abort", id, number] => self.abort(id, number),
            ["snapshot" | "savepoint", path, "names", names @ ..] => {
                let directory = self.directory(path);
                self.snapshot(&directory, 1, names).map(|_| ())
            }
            ["file", paths @ ..] => self.files_of(paths, &options),
            ["link", path] => self.node(path, Node::Symlink),
            ["directory", path] => {
                let location = self.directory(path);
                self.put(&location, Node::Directory, SignedDuration::ZERO);
                Ok(())
            }
            ["remove", paths @ ..] => {
                for path in paths {
                    let location = self.either(path);
                    self.remove(&location);
                }
                Ok(())
            }
            ["copy", from, "to", to] => self.copy(from, to),
            ["truncate", path, size] => {
                let location = self.file(path);
                let mut bytes = self.read(&location).ok_or("there is no such file")?;
                bytes.truncate(number(size)?);
                self.put(&location, Node::File(bytes.into()), SignedDuration::ZERO);
                Ok(())
            }
            ["newer", path, version] => {
                let location = self.file(path);
                let mut bytes = self.read(&location).ok_or("there is no such file")?;
                let version: i32 = number(version)?;
                bytes[4..8].copy_from_slice(&version.to_be_bytes());
                self.put(&location, Node::File(bytes.into()), SignedDuration::ZERO);
                Ok(())
            }
            ["touch", path, time @ ..] => self.touch(path, time),
            ["store", "ahead", by] => {
                self.store_ahead(duration(by)?);
                Ok(())
            }
            ["store", "behind", by] => {
                self.store_ahead(-duration(by)?);
                Ok(())
            }
            ["fault", operation, key, fault @ ..] => self.fault(operation, key, fault),
            ["heal"] => {
                self.faults.lock().unwrap().clear();
                self.unread.clear();
                self.processes_unread = None;
                Ok(())
            }
            ["policy", name, value] => self.policy_field(name, value),
            ["scope", "all"] => {
                self.selected = None;
                Ok(())
            }
            ["scope", names @ ..] => {
                self.selected = Some(names.iter().map(|&name| name.to_owned()).collect());
                Ok(())
            }
            ["bases", paths @ ..] => {
                self.bases = paths.iter().map(|path| self.directory(path)).collect();
                Ok(())
            }
            ["hands-off", "namespace", name] => {
                let why = format!("namespace {name} has the annotation");
                self.suspended_namespaces.insert((*name).to_owned(), why);
                Ok(())
            }
            ["hands-off", name] => {
                let object = self.find(name)?.object.as_mut().ok_or("it is gone")?;
                object["metadata"]["annotations"]["flink-retention.dev/suspend"] = json!("true");
                Ok(())
            }
            ["hands-on", name] => {
                let object = self.find(name)?.object.as_mut().ok_or("it is gone")?;
                object["metadata"]["annotations"] = json!({});
                Ok(())
            }
            ["unread", ..] => {
                let (what, why) = text["unread ".len()..]
                    .split_once(": ")
                    .ok_or("write `unread WHAT: WHY`")?;
                self.unread.push(Unread {
                    what: what.to_owned(),
                    namespace: Some(NAMESPACE.to_owned()),
                    why: why.to_owned(),
                });
                Ok(())
            }
            ["forget", name] => {
                self.find(name)?.records = false;
                self.records.remove(*name);
                Ok(())
            }
            ["while", "planning:" | "verifying:", ..] => {
                let number = if head[1] == "planning:" { 2 } else { 3 };
                let (_, step) = text.split_once(": ").unwrap_or_default();
                self.meanwhile.push((number, step.to_owned()));
                Ok(())
            }
            _ => Err("this is no step; README.md lists them".to_owned()),
        }
    }

    fn find(&mut self, name: &str) -> Result<&mut Job, String> {
        self.jobs
            .get_mut(name)
            .ok_or_else(|| format!("there is no job {name}"))
    }

    /// The resource that runs a job id.
    fn running(&mut self, id: &str) -> Result<&mut Job, String> {
        let real = job_id(id);
        let found = self.jobs.values_mut().find(|job| job.current == real);
        found.ok_or_else(|| format!("no resource runs {id}; use `snapshot`"))
    }

    fn job(&mut self, name: &str, id: &str, options: &[&str]) -> Done {
        let mut base = format!("file://{BASE}");
        let mut namespace = NAMESPACE;
        for option in options {
            match clauses(option).0.as_slice() {
                ["dir", path] => (*path).clone_into(&mut base),
                ["in", other] => namespace = other,
                _ => {}
            }
        }
        let mut job = Job::new(name, job_id(id), &base, self.jobs.len(), self.now);
        namespace.clone_into(&mut job.namespace);
        let object = job.object.as_mut().ok_or("it exists")?;
        object["metadata"]["namespace"] = json!(namespace);
        for option in options {
            let configuration = &mut object["spec"]["flinkConfiguration"];
            match clauses(option).0.as_slice() {
                ["dir" | "in", _] => {}
                ["without", "ha"] => {
                    job.with_ha = false;
                    configuration["high-availability.type"] = json!("none");
                }
                ["with", "zookeeper"] => {
                    job.with_ha = false;
                    configuration["high-availability.type"] = json!("zookeeper");
                }
                ["without", "subdir"] => {
                    configuration["execution.checkpointing.create-subdir"] = json!("false");
                }
                ["retains", count] => job.retains = number(count)?,
                ["hashmap"] => job.rest.backend = StateBackend::HashMap,
                _ => return Err(format!("a job has no option {option:?}")),
            }
        }
        if job.with_ha {
            let map = self.maps.entry(job.map_name()).or_default();
            map.uid = format!("map-{id}");
            map.counter = Some(1);
        }
        self.jobs.insert(name.to_owned(), job);
        self.remember();
        Ok(())
    }

    fn apply(&mut self, block: &[String]) -> Done {
        let text = block.join("\n");
        let text = resolve_names(self, &text);
        let object: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
        let same = |known: &Value| {
            known["kind"] == object["kind"]
                && known["metadata"]["name"] == object["metadata"]["name"]
        };
        if object["kind"] == "CheckpointInventory" {
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            self.records.insert(name, object);
            return Ok(());
        }
        self.objects.retain(|known| !same(known));
        self.objects.push(object);
        Ok(())
    }

    /// `set NAME a/b/c: value`, in the resource; `~` instead of a value removes it.
    fn set(&mut self, name: &str, text: &str) -> Done {
        let rest = text
            .split_once(name)
            .map(|(_, rest)| rest.trim())
            .unwrap_or_default();
        let (path, value) = rest
            .split_once(": ")
            .ok_or("write `set NAME a/b/c: value`")?;
        let value = resolve_names(self, value);
        let value: Value = serde_saphyr::from_str(&value).map_err(|error| error.to_string())?;
        let job = self.find(name)?;
        if path == "spec/flinkConfiguration/state.checkpoints.dir" {
            value.as_str().unwrap_or_default().clone_into(&mut job.base);
        }
        let mut place = job.object.as_mut().ok_or("it is gone")?;
        for segment in path.split('/') {
            place = &mut place[segment];
        }
        *place = value;
        self.remember();
        Ok(())
    }

    fn upgrade(&mut self, name: &str, id: &str, options: &[&str]) -> Done {
        self.remember();
        let mut from = None;
        for option in options {
            match clauses(option).0.as_slice() {
                ["from", path] => from = Some(self.directory(path)),
                _ => return Err(format!("an upgrade has no option {option:?}")),
            }
        }
        let now = self.now;
        let job = self.find(name)?;
        let old = job.map_name();
        job.current = job_id(id);
        let current = job.current.clone();
        let object = job.object.as_mut().ok_or("it is gone")?;
        object["status"]["jobStatus"]["jobId"] = json!(current);
        object["spec"]["job"]["state"] = json!("running");
        job.status("RUNNING", "STABLE");
        job.processes = true;
        job.rest.checkpoints.clear();
        job.rest.started = now;
        job.rest.silent = None;
        job.rest.restored = from.as_ref().map(|path| RestRestored {
            id: checkpoint_number(path).unwrap_or(1),
            at: Some(now),
            external_path: Some(path.clone()),
            is_savepoint: checkpoint_number(path).is_none(),
        });
        let (new, with_ha) = (job.map_name(), job.with_ha);
        self.maps.remove(&old);
        if !with_ha {
            self.remember();
            return Ok(());
        }
        let map = self.maps.entry(new.clone()).or_default();
        map.uid = format!("map-{id}");
        map.counter = Some(1);
        if let Some(path) = from {
            let names = self.named.get(&path.join("_metadata").to_string()).cloned();
            let files = names
                .unwrap_or_default()
                .into_iter()
                .map(|file| (file, 1))
                .collect();
            let restored = CompletedCheckpoint {
                checkpoint_id: checkpoint_number(&path).unwrap_or(1),
                job_id: current,
                pointer: path.to_string(),
                triggered: now.as_millisecond(),
                completed: now.as_millisecond(),
                files,
            };
            self.retain(&new, restored, path);
        }
        self.remember();
        Ok(())
    }

    /// The operator has missed a resource in two looks, and writes that down with each of its ids.
    fn noticed(&mut self, name: &str) -> Done {
        let now = json!(self.now.to_string());
        let record = self.records.get_mut(name).ok_or("there is no record")?;
        for entry in record["spec"]["lineage"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            entry["deletedTime"] = now.clone();
        }
        Ok(())
    }

    /// The JobManager dies and comes back: Kubernetes high availability remembers, its statistics do not.
    fn kill(&mut self, name: &str) -> Done {
        let now = self.now;
        let job = self.find(name)?;
        let map = job.map_name();
        let silent = job.rest.silent.take();
        let Rest {
            backend,
            max_concurrent,
            changelog,
            timeout,
            ..
        } = std::mem::replace(&mut job.rest, Rest::new(now));
        job.rest = Rest {
            backend,
            max_concurrent,
            changelog,
            timeout,
            silent,
            ..Rest::new(now)
        };
        let last = self
            .maps
            .get(&map)
            .and_then(|map| map.entries.last_key_value());
        let restored = last.map(|(&id, entry)| RestRestored {
            id,
            at: Some(now),
            external_path: Some(entry.pointer.clone()),
            is_savepoint: false,
        });
        self.find(name)?.rest.restored = restored;
        Ok(())
    }

    fn high_availability(&mut self, name: &str, rest: &[&str]) -> Done {
        let map_name = self.find(name)?.map_name();
        if rest == ["removed"] {
            self.maps.remove(&map_name);
            return Ok(());
        }
        let map = self.maps.entry(map_name).or_default();
        let entry = |map: &mut crate::state::HaMap, id: &str| -> Result<u64, String> {
            let id = number(id)?;
            map.entries
                .get(&id)
                .map(|_| id)
                .ok_or_else(|| "there is no such entry".to_owned())
        };
        match rest {
            ["forbidden", why @ ..] => map.forbidden = Some(why.join(" ")),
            ["readable"] => map.forbidden = None,
            ["uid", uid] => (*uid).clone_into(&mut map.uid),
            ["counter", value] => map.counter = value.parse().ok(),
            ["garbage", id] => {
                let id = entry(map, id)?;
                map.entries
                    .entry(id)
                    .and_modify(|entry| entry.garbage = true);
            }
            ["mark", id] => {
                let id = entry(map, id)?;
                map.entries
                    .entry(id)
                    .and_modify(|entry| entry.marked = true);
            }
            ["forget", id] => {
                let id = entry(map, id)?;
                map.entries.remove(&id);
            }
            ["without", "blob", id] => {
                let id = entry(map, id)?;
                let blob = map.entries[&id].blob.clone();
                self.remove(&blob);
            }
            _ => return Err("high availability has no such step".to_owned()),
        }
        Ok(())
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
        self.retain(&map, checkpoint, directory);
        while let Some(oldest) = self.subsumed(&map, retains) {
            self.subsume(id, &map, oldest)?;
        }
        Ok(())
    }

    fn subsumed(&self, map: &flink_retention::observe::ObjectName, retains: usize) -> Option<u64> {
        let entries = &self.maps.get(map)?.entries;
        let live = entries
            .iter()
            .filter(|(_, entry)| !entry.marked && !entry.garbage);
        let ids: Vec<u64> = live.map(|(&id, _)| id).collect();
        (ids.len() > retains).then(|| ids[0])
    }

    /// What Flink deletes of a checkpoint that it no longer needs: all but the shared files, which leak here until a
    /// scenario removes them.
    fn subsume(
        &mut self,
        id: &str,
        map: &flink_retention::observe::ObjectName,
        number: u64,
    ) -> Done {
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
                known.status = "FAILED".to_owned();
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
                let parent = self.names.directory(parent);
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

    fn files_of(&mut self, paths: &[&str], options: &[&str]) -> Done {
        let (mut age, mut size) = (SignedDuration::ZERO, 100);
        let mut link = false;
        for option in options {
            match clauses(option).0.as_slice() {
                [how_old, "old"] => age = duration(how_old)?,
                [bytes, "bytes"] => size = number(bytes)?,
                ["as", "a", "link"] => link = true,
                _ => return Err(format!("a file has no option {option:?}")),
            }
        }
        for path in paths {
            let location = self.file(path);
            let node = if link {
                Node::Symlink
            } else {
                Node::File(vec![0; size].into())
            };
            self.put(&location, node, age);
        }
        Ok(())
    }

    fn node(&mut self, path: &str, node: Node) -> Done {
        let location = self.either(path);
        self.put(&location, node, SignedDuration::ZERO);
        Ok(())
    }

    /// A file if one of this name was made, else a directory.
    fn either(&mut self, path: &str) -> Location {
        let file = self.file(path);
        let (storage, key) = self.store(&file);
        if storage.contains(&key) {
            file
        } else {
            self.directory(path)
        }
    }

    fn copy(&mut self, from: &str, to: &str) -> Done {
        let (source, target) = (self.directory(from), self.directory(to));
        let (from, to) = (identity(&source), identity(&target));
        self.names.copied(&from, &to);
        for file in self.files() {
            let Some(relative) = file.relative_to(&source) else {
                continue;
            };
            let (relative, bytes) = (relative.to_owned(), self.read(&file).ok_or("it is there")?);
            let copied = target.join(&relative);
            let names = self.named.get(&file.to_string()).cloned();
            // Relative handles follow the copy, absolute ones stay.
            let names = names.map(|names| {
                names
                    .into_iter()
                    .map(|name| {
                        let own = locate(&name)
                            .relative_to(&source)
                            .map(|own| target.join(own).to_string());
                        own.unwrap_or(name)
                    })
                    .collect()
            });
            if let Some(names) = names {
                self.named.insert(copied.to_string(), names);
            }
            self.put(&copied, Node::File(bytes.into()), SignedDuration::ZERO);
        }
        Ok(())
    }

    fn touch(&mut self, path: &str, time: &[&str]) -> Done {
        let location = self.file(path);
        let bytes = self.read(&location).ok_or("there is no such file")?;
        let now = self.now;
        let time = match time {
            ["epoch"] => Timestamp::UNIX_EPOCH,
            ["in", how_long] => now
                .checked_add(duration(how_long)?)
                .map_err(|error| error.to_string())?,
            [age, "ago"] => now
                .checked_sub(duration(age)?)
                .map_err(|error| error.to_string())?,
            _ => return Err("write `epoch`, `in 2h` or `2h ago`".to_owned()),
        };
        self.put_at(&location, Node::File(bytes.into()), time);
        Ok(())
    }

    fn fault(&mut self, operation: &str, key: &str, fault: &[&str]) -> Done {
        let operation = match operation {
            "list" => Operation::List,
            "read" => Operation::Read,
            "stat" => Operation::Stat,
            "delete" => Operation::Delete,
            "write" => Operation::Write,
            _ => return Err("operations are list, read, stat, delete and write".to_owned()),
        };
        let failure = |word: &str| match word {
            "forbidden" => Ok(Failure::PermissionDenied),
            "unavailable" => Ok(Failure::Unavailable),
            "missing" => Ok(Failure::NotFound),
            _ => Err(format!("{word} is no failure")),
        };
        let fault = match fault {
            [word] => Fault::Fail(failure(word)?),
            [word, "after", entries] => Fault::BreakListing {
                after: number(entries)?,
                failure: failure(word)?,
            },
            _ => return Err("write `forbidden`, or `unavailable after 2`".to_owned()),
        };
        let key = self.either(key).path().trim_start_matches('/').to_owned();
        self.faults.lock().unwrap().push(StoreFault {
            operation,
            key,
            fault,
        });
        Ok(())
    }

    fn policy_field(&mut self, name: &str, value: &str) -> Done {
        let rules = |policy: &mut retention::policy::Policy| policy.checkpoints.unwrap_or_default();
        match name {
            "keepLast" => {
                let rules = KeepRules {
                    keep_last: Some(number(value)?),
                    ..rules(&mut self.policy)
                };
                self.policy.checkpoints = Some(rules);
            }
            "keepWithin" => {
                let rules = KeepRules {
                    keep_within: Some(duration(value)?),
                    ..rules(&mut self.policy)
                };
                self.policy.checkpoints = Some(rules);
            }
            "deletedJobs" => self.policy.deleted_jobs = Some(duration(value)?),
            "gracePeriod" => self.policy.grace_period = duration(value)?,
            "minAge" => self.policy.min_age = duration(value)?,
            "maxBytesPerRun" => self.policy.limits.max_bytes_per_run = Some(number(value)?),
            "pinned" => {
                let location = self.directory(value);
                self.policy.pinned.push(DirectoryKey::of(location.path()));
            }
            _ => return Err(format!("a policy has no {name}")),
        }
        Ok(())
    }
}

/// Short names between blanks, quotes and slashes of a manifest.
fn resolve_names(state: &State, text: &str) -> String {
    let is_separator = |c: char| c.is_whitespace() || "\"'{},[]".contains(c);
    let mut out = String::new();
    for piece in text.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        let (_, separator) = piece.split_at(word.len());
        out.push_str(&state.names.directory(word));
        out.push_str(separator);
    }
    out
}

fn checkpoint_number(directory: &Location) -> Option<u64> {
    directory.name().strip_prefix("chk-")?.parse().ok()
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}
