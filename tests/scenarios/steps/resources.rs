//! Flink resources, and what people and the Flink operator do to them.

use super::checkpoints::checkpoint_number;
use super::{Done, Words, number};
use crate::flink::{Job, Rest};
use crate::names::{self, job_id};
use crate::state::{BASE, NAMESPACE, State, directory};
use crate::words::clauses;
use retention::evidence::{RestRestored, StateBackend};
use serde_json::{Value, json};
use testbed::completed_checkpoint::CompletedCheckpoint;

impl State {
    /// False if it is no step of this kind.
    pub(super) fn resource_step(&mut self, step: &Words<'_>) -> Result<bool, String> {
        let Words {
            head,
            options,
            text,
            block,
        } = step;
        let done: Done = match head.as_slice() {
            ["job", name, "runs", id] => self.job(name, id, options),
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
            ["upgrade", name, "to", id] => self.upgrade(name, id, options),
            ["kill", name] => self.kill(name),
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
            ["forget", name] => {
                self.find(name)?.records = false;
                self.records.remove(*name);
                Ok(())
            }
            _ => return Ok(false),
        };
        done.map(|()| true)
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
        let text = resolve_names(&text);
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
        let value = resolve_names(value);
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
                ["from", path] => from = Some(directory(path)),
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
            self.retain(&new, &restored, path);
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
            silent,
            max_concurrent,
            backend,
            changelog,
            timeout,
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
}

/// Short names between blanks, quotes and slashes of a manifest.
fn resolve_names(text: &str) -> String {
    let is_separator = |c: char| c.is_whitespace() || "\"'{},[]".contains(c);
    let mut out = String::new();
    for piece in text.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        let (_, separator) = piece.split_at(word.len());
        out.push_str(&names::directory(word));
        out.push_str(separator);
    }
    out
}
