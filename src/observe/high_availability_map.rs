//! The meaning of a job's high-availability `ConfigMap` and of the blobs that it names.

use flink_metadata as flink;
use flink_metadata::ha;
use jiff::Timestamp;
use retention::evidence::{HaCheckpoint, HaReference};
use retention::inventory::Contents;
use retention::layout::{JobId, is_forst_directory};
use retention::location::{Location, Origin};
use retention::reference::Required;

/// Before the number of a retained checkpoint (`KubernetesCheckpointStoreUtil`).
const CHECKPOINT_PREFIX: &str = "checkpointID-";
/// The **next** checkpoint id (`KubernetesCheckpointIDCounter`).
pub(super) const COUNTER: &str = "counter";
/// What Flink calls a checkpoint that is in no file.
const NOT_ADDRESSABLE: &str = "<checkpoint-not-externally-addressable>";

/// `<cluster>-<job id>-config-map`, or up to Flink 1.14 `<cluster>-<job id>-jobmanager-leader`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapName {
    pub cluster: String,
    pub job_id: JobId,
}

const SUFFIXES: [&str; 2] = ["-config-map", "-jobmanager-leader"];

impl MapName {
    /// Recognises the name of a job's map; those of a whole cluster have no job id.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rest = SUFFIXES
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))?;
        let (cluster, job_id) = rest.rsplit_once('-')?;
        Some(Self {
            cluster: cluster.to_owned(),
            job_id: job_id.parse().ok()?,
        })
    }

    /// The names that the map may have, the current spelling first.
    #[must_use]
    pub fn spellings(cluster: &str, job_id: JobId) -> [String; 2] {
        SUFFIXES.map(|suffix| format!("{cluster}-{job_id}{suffix}"))
    }
}

/// The checkpoint number of a key of the map; none for keys that are not about checkpoints.
pub(super) fn checkpoint_number(key: &str) -> Option<Result<u64, String>> {
    let digits = key.strip_prefix(CHECKPOINT_PREFIX)?;
    let number = digits
        .parse()
        .map_err(|_| format!("the key {key:?} has no checkpoint number"));
    Some(number)
}

/// What a blob says, in our words. Every path in it must be understood.
pub(super) fn checkpoint(
    number: u64,
    bytes: &[u8],
    origin: &Origin,
) -> Result<HaCheckpoint, String> {
    let ha::HaCheckpoint {
        checkpoint_id,
        timestamp_ms,
        completion_timestamp_ms,
        external_pointer,
        job_id,
        metadata_path: _,
        properties: _,
        references,
        changelog,
        file_merging,
        inline_bytes,
    } = ha::parse_blob(bytes).map_err(|error| error.to_string())?;
    if checkpoint_id != number {
        return Err(format!("it is of checkpoint {checkpoint_id}, not {number}"));
    }
    let pointer = match external_pointer.as_str() {
        "" | NOT_ADDRESSABLE => None,
        path => Some(Location::parse(path, origin).map_err(|error| error.to_string())?),
    };
    let references = references
        .iter()
        .filter_map(|named| reference(named, origin).transpose())
        .collect::<Result<Vec<_>, String>>()?;
    let forst = references
        .iter()
        .any(|named| named.location.path().split('/').any(is_forst_directory));
    Ok(HaCheckpoint {
        job_id: job_id.parse().map_err(|error| format!("{error}"))?,
        pointer,
        triggered: time(timestamp_ms)?,
        completed: time(completion_timestamp_ms)?,
        references,
        contents: Contents {
            changelog,
            file_merging,
            forst,
        },
        inline_bytes,
    })
}

fn reference(
    reference: &flink::Reference<'_>,
    origin: &Origin,
) -> Result<Option<HaReference>, String> {
    let required = match reference {
        flink::Reference::File { length, .. } | flink::Reference::RelativeFile { length, .. } => {
            match length {
                flink::StoredLength::Exact(bytes) => Required(*bytes),
                flink::StoredLength::Changelog(_) | flink::StoredLength::Unknown => {
                    Required::PRESENT
                }
            }
        }
        flink::Reference::Segment { start, size, .. } => {
            Required(start.saturating_add(size.unwrap_or_default()))
        }
        // A merge directory keeps itself alive, not the files in it.
        flink::Reference::Directory { .. } => return Ok(None),
    };
    let location = Location::parse(reference.path(), origin).map_err(|error| error.to_string())?;
    Ok(Some(HaReference { location, required }))
}

fn time(milliseconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_millisecond(milliseconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("orders-00000000000000000000000000000abc-config-map", Some("orders"))]
    #[case("a-b-00000000000000000000000000000abc-jobmanager-leader", Some("a-b"))]
    #[case("orders-cluster-config-map", None)]
    #[case("orders-dispatcher-leader", None)]
    #[case("flink-config-orders", None)]
    #[case("orders-00000000000000000000000000000ABC-config-map", None)]
    fn the_map_of_a_job_is_known_by_its_name(#[case] name: &str, #[case] cluster: Option<&str>) {
        let parsed = MapName::parse(name);
        assert_eq!(parsed.as_ref().map(|name| name.cluster.as_str()), cluster);
        if let Some(MapName { cluster, job_id }) = parsed {
            assert!(MapName::spellings(&cluster, job_id).contains(&name.to_owned()));
        }
    }

    #[test]
    fn only_checkpoint_keys_have_numbers() {
        let number = checkpoint_number("checkpointID-0000000000000000071");
        assert_eq!(number.unwrap().unwrap(), 71);
        assert!(checkpoint_number("checkpointID-x").unwrap().is_err());
        assert!(checkpoint_number("counter").is_none());
        assert!(checkpoint_number("address").is_none());
    }
}
