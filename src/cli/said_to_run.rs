//! Jobs that a manifest's own status does not call over. That one is over no manifest proves; that it may run is an
//! objection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use retention::layout::JobId;
use serde_json::Value;

/// By job, who says so, as a person would name it. What cannot be read here is an error where manifests are read.
pub(super) fn read(manifests: &Path) -> BTreeMap<JobId, String> {
    let mut said = BTreeMap::new();
    for file in files(manifests) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap_or_default();
        for document in &documents {
            object(&file, document, &mut said);
        }
    }
    said
}

fn object(file: &Path, object: &Value, said: &mut BTreeMap<JobId, String>) {
    for item in object["items"].as_array().into_iter().flatten() {
        self::object(file, item, said);
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let id = text("/status/jobStatus/jobId").and_then(|id| id.parse().ok());
    let state = text("/status/jobStatus/state");
    let Some(why) = objection(state, text("/status/jobManagerDeploymentStatus")) else {
        return;
    };
    if let Some(id) = id {
        let kind = text("/kind").unwrap_or("object");
        let name = text("/metadata/name").unwrap_or_default();
        said.insert(id, format!("{kind} {name} in {} ({why})", file.display()));
    }
}

/// Why a job with this status is not over: only words that say so are believed.
fn objection(state: Option<&str>, job_manager: Option<&str>) -> Option<String> {
    let is_over = matches!(
        state,
        Some("FINISHED" | "CANCELED" | "FAILED" | "SUSPENDED")
    );
    match (state, job_manager) {
        (Some(state), _) if !is_over => Some(format!("its state is {state}")),
        (_, Some(status)) if !matches!(status, "MISSING" | "ERROR") => {
            Some(format!("its JobManager is {status}"))
        }
        (None, Some(status)) => Some(format!("its JobManager is {status}, and it has no state")),
        (Some(_) | None, _) => None,
    }
}

/// The files that are read as manifests: links are not followed.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&path)),
            Ok(kind) if kind.is_file() && is_manifest(&path) => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
    found
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}
