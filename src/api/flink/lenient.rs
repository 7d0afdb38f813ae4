//! Decoding that forgives what is harmless and names what is not.

use kube::ResourceExt;
use kube::api::{DynamicObject, ObjectMeta};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

use crate::api::flink::FlinkKind;
use crate::api::objects_only::ObjectsOnly;

/// A Flink resource of which something that we read cannot be understood. It may hide a root: protect all that the
/// resource could have named.
#[derive(Clone, Debug, Error)]
#[error("{} {namespace}/{name}: cannot read {field}: {problem}", kind.as_str())]
pub struct Undecodable {
    /// The kind.
    pub kind: FlinkKind,
    /// The namespace, empty if the object has none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The metadata, which every object has.
    pub metadata: Box<ObjectMeta>,
    /// The path of the field, for example `status.jobStatus.savepointInfo`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The parts of an object beside its metadata.
#[derive(Debug, Deserialize)]
#[serde(bound = "Spec: Deserialize<'de> + Default, Status: Deserialize<'de>")]
pub(super) struct Parts<Spec, Status> {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) spec: Spec,
    #[serde(default)]
    pub(super) status: Option<Status>,
}

/// The spec and status of an object, with its metadata.
pub(super) fn parts<Spec, Status>(
    kind: FlinkKind,
    object: DynamicObject,
) -> Result<(ObjectMeta, Parts<Spec, Status>), Undecodable>
where
    Spec: DeserializeOwned + Default,
    Status: DeserializeOwned,
{
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let DynamicObject {
        types: _,
        metadata,
        data,
    } = object;
    match serde_path_to_error::deserialize(ObjectsOnly(data)) {
        Ok(parts) => Ok((metadata, parts)),
        Err(error) => Err(Undecodable {
            kind,
            namespace,
            name,
            metadata: Box::new(metadata),
            field: error.path().to_string(),
            problem: error.into_inner().to_string(),
        }),
    }
}

/// `null` where a list, map or object could be is as good as its absence.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An integer that may be written as text, as `status.jobStatus.startTime` is. Blank text is absence.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    let invalid = |value: &Value| D::Error::custom(format!("{value} is not an integer"));
    match value {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| invalid(&Value::String(text))),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| invalid(&value)),
    }
}

/// Text; blank text is absence, as Flink's operator writes `""` for "none" in places.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}
