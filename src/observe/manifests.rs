//! The same objects from YAML files, for work outside of Kubernetes.

use crate::api::flink::FlinkKind;
use crate::api::names::{SUSPEND_ANNOTATION, is_on};
use crate::observe::FlinkObject;
use crate::observe::draft::Draft;
use crate::observe::source::{ConfigMapData, ObjectName, Process, Resources, Source, Unread};
use async_trait::async_trait;
use kube::ResourceExt;
use kube::api::DynamicObject;
use retention::evidence::Phase;
use retention::layout::JobId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The objects of a directory of manifests.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    resources: Resources,
    config_maps: BTreeMap<ObjectName, ConfigMapData>,
}

/// What somebody says about jobs by their ids. Manifests cannot prove that no process is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedStates {
    pub running: BTreeSet<JobId>,
    pub stopped: BTreeSet<JobId>,
}

/// Manifests that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("cannot read manifests at {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}:{line}:{column}: not valid YAML: {why}", path.display())]
    Yaml {
        path: PathBuf,
        line: u64,
        column: u64,
        why: String,
    },
    #[error(
        "{}: document {document} is no Kubernetes object ({why}); keep only manifests in this directory",
        path.display()
    )]
    NotAnObject {
        path: PathBuf,
        document: usize,
        why: String,
    },
    #[error(
        "{kind} {namespace}/{name} is in both {} and {}; remove one",
        first.display(),
        second.display()
    )]
    Twice {
        kind: String,
        namespace: String,
        name: String,
        first: PathBuf,
        second: PathBuf,
    },
    #[error(
        "{} holds no FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot or FlinkBlueGreenDeployment; name the directory with their manifests",
        path.display()
    )]
    Empty { path: PathBuf },
}

impl Manifests {
    /// Reads every `.yaml`, `.yml` and `.json` file in and below a directory, or one file. Objects of other kinds are
    /// skipped; links are not followed.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let mut reader = Reader::default();
        for file in files(path)? {
            let text = std::fs::read_to_string(&file).map_err(failed(&file))?;
            for (position, value) in documents(&file, &text)?.into_iter().enumerate() {
                reader.add(&file, position + 1, value)?;
            }
        }
        if reader.manifests.resources.flink.is_empty() {
            return Err(ManifestError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(reader.manifests)
    }
}

impl NamedStates {
    /// Whoever names a job knows what it does; about all others nothing is known.
    pub(super) fn apply(&self, draft: &mut Draft) {
        let named = |ids: &BTreeSet<JobId>| draft.current.is_some_and(|id| ids.contains(&id));
        draft.phase = if named(&self.running) {
            Phase::Running
        } else if named(&self.stopped) {
            Phase::Stopped
        } else if let Phase::Unclear { .. } | Phase::NoJob { .. } = draft.phase {
            return;
        } else {
            let id = draft
                .current
                .map_or_else(|| "JOBID".to_owned(), |id| id.to_string());
            Phase::Unclear {
                why: format!(
                    "a manifest cannot prove what it does; say --stopped {id} or --running {id}"
                ),
            }
        };
    }
}

#[derive(Default)]
struct Reader {
    manifests: Manifests,
    seen: BTreeMap<(String, ObjectName), PathBuf>,
}

impl Reader {
    fn add(&mut self, file: &Path, document: usize, value: Value) -> Result<(), ManifestError> {
        let none = |why: &str| ManifestError::NotAnObject {
            path: file.to_owned(),
            document,
            why: why.to_owned(),
        };
        let Value::Object(fields) = &value else {
            return match value {
                Value::Null => Ok(()),
                _ => Err(none("it is not a map")),
            };
        };
        let kind = fields
            .get("kind")
            .and_then(Value::as_str)
            .ok_or_else(|| none("it has no kind"))?
            .to_owned();
        if kind == "List" {
            let items = fields.get("items").and_then(Value::as_array);
            for item in items.ok_or_else(|| none("the list has no items"))? {
                self.add(file, document, item.clone())?;
            }
            return Ok(());
        }
        let object: DynamicObject =
            serde_json::from_value(value).map_err(|error| none(&error.to_string()))?;
        if object.metadata.name.is_none() {
            return Err(none("it has no metadata.name"));
        }
        self.object(file, &kind, object)
            .map_err(|problem| problem.unwrap_or_else(|why| none(&why)))
    }

    fn object(
        &mut self,
        file: &Path,
        kind: &str,
        object: DynamicObject,
    ) -> Result<(), Result<ManifestError, String>> {
        let name = ObjectName {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        };
        let seen = (kind.to_owned(), name.clone());
        if let Some(first) = self.seen.insert(seen, file.to_owned()) {
            let ObjectName { namespace, name } = name;
            return Err(Ok(ManifestError::Twice {
                kind: kind.to_owned(),
                namespace,
                name,
                first,
                second: file.to_owned(),
            }));
        }
        let Manifests {
            resources,
            config_maps,
        } = &mut self.manifests;
        match (FlinkKind::from_name(kind), kind) {
            (Some(kind), _) => resources.flink.push(FlinkObject::read(kind, object)),
            (None, "CheckpointInventory") => resources.inventories.push(object.into()),
            (None, "ConfigMap") => {
                let data = object.data.get("data").cloned().unwrap_or(Value::Null);
                let data: Option<BTreeMap<String, String>> =
                    serde_json::from_value(data).map_err(|error| {
                        Err(format!("the data of ConfigMap {}: {error}", name.name))
                    })?;
                let map = ConfigMapData {
                    uid: object.uid().unwrap_or_default(),
                    data: data.unwrap_or_default(),
                };
                resources.config_maps.insert(name.clone());
                config_maps.insert(name, map);
            }
            (None, "Namespace") if is_on(object.annotations().get(SUSPEND_ANNOTATION)) => {
                let why = format!(
                    "namespace {} has the annotation {SUSPEND_ANNOTATION}",
                    name.name
                );
                resources.suspended_namespaces.insert(name.name, why);
            }
            (None, _) => {}
        }
        Ok(())
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let metadata = std::fs::metadata(path).map_err(failed(path))?;
    if metadata.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).map_err(failed(&directory))? {
            let entry = entry.map_err(failed(&directory))?;
            let kind = entry.file_type().map_err(failed(&directory))?;
            let path = entry.path();
            if kind.is_dir() {
                pending.push(path);
            } else if kind.is_file() && is_manifest(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

fn documents(path: &Path, text: &str) -> Result<Vec<Value>, ManifestError> {
    serde_saphyr::from_multiple(text).map_err(|error| {
        let location = error.location();
        ManifestError::Yaml {
            path: path.to_owned(),
            line: location.map_or(0, |at| at.line()),
            column: location.map_or(0, |at| at.column()),
            why: without_place(&error.to_string()).to_owned(),
        }
    })
}

/// The first line of a parser's message, without the place that is already told.
fn without_place(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let rest = line.strip_prefix("line ").and_then(|rest| {
        let (place, rest) = rest.split_once(": ")?;
        let (line, column) = place.split_once(" column ")?;
        (line.parse::<u64>().is_ok() && column.parse::<u64>().is_ok()).then_some(rest)
    });
    rest.unwrap_or(line)
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> ManifestError {
    let path = path.to_owned();
    move |source| ManifestError::Read { path, source }
}

#[async_trait]
impl Source for Manifests {
    async fn resources(&self) -> Resources {
        self.resources.clone()
    }

    async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMapData>, Unread> {
        let name = ObjectName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        Ok(self.config_maps.get(&name).cloned())
    }

    async fn processes(&self, namespace: &str) -> Result<Vec<Process>, Unread> {
        Err(Unread {
            what: "pods and Deployments".to_owned(),
            namespace: Some(namespace.to_owned()),
            why: "manifests do not say what runs".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
