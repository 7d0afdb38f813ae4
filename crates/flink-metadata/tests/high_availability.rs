//! The `ConfigMap`s and HA files of a real cluster lead to its real checkpoints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flink_metadata::ha::{HaCheckpoint, HaPointer, parse_blob, parse_config_map_value};
use flink_metadata::{Category, Origin, Reference, SavepointFormat, SnapshotKind, Visitor, visit};
use testbed::corpus::{self, Entry, Tree};

fn entry() -> Entry {
    corpus::entry("2.1.3", "kubernetes-ha-failover").unwrap()
}

/// Keys and values of the job's `ConfigMap`; the file is YAML with each value on one line.
fn values() -> Vec<(String, String)> {
    let text = fs::read_to_string(entry().dir.join("configmaps.yaml")).unwrap();
    let pairs = text.lines().filter_map(|line| line.trim().split_once(": "));
    pairs
        .filter(|(key, _)| key.starts_with("checkpointID-") || key.starts_with("executionPlan-"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Where the fixtures hold a file that Flink knew by this path.
fn read(path: &str) -> Vec<u8> {
    let entry = entry();
    let root = entry.truth(Tree::Left).unwrap().root;
    let inside = path.strip_prefix(&format!("file:{root}/")).unwrap();
    fs::read(entry.tree(Tree::Left).join(inside)).unwrap()
}

fn checkpoints() -> Vec<(HaPointer, HaCheckpoint)> {
    let values = values()
        .into_iter()
        .filter(|(key, _)| key.starts_with("checkpointID-"));
    values
        .map(|(_, value)| {
            let pointer = parse_config_map_value(&value).unwrap();
            let checkpoint = parse_blob(&read(&pointer.path)).unwrap();
            (pointer, checkpoint)
        })
        .collect()
}

#[test]
fn config_map_values_name_files_in_ha_storage() {
    let mut pointers = Vec::new();
    for (_, value) in values() {
        pointers.push(parse_config_map_value(&value).unwrap());
    }
    let pointer = |name: &str, size| HaPointer {
        path: format!("file:/flink1/tree/ha/default/{name}"),
        marked_for_deletion: false,
        state_size: Some(size),
    };
    let expected = [
        pointer("completedCheckpoint8550efebf92d", 11_613),
        pointer("completedCheckpoint9bcf64428d32", 12_495),
        pointer("submittedExecutionPlan7fb5c58449e3", 21_706),
    ];
    assert_eq!(pointers, expected);
    assert!(
        expected
            .iter()
            .take(2)
            .all(|p| read(&p.path).len() as u64 == p.state_size.unwrap())
    );
}

#[test]
fn ha_files_name_their_checkpoints() {
    let base = "file:/flink1/tree/ckp/00000000000000000000000000000abc";
    let found: Vec<_> = checkpoints()
        .into_iter()
        .map(|(_, checkpoint)| {
            assert_eq!(checkpoint.job_id, "00000000000000000000000000000abc");
            assert_eq!(checkpoint.properties.kind(), SnapshotKind::Checkpoint);
            assert!(!checkpoint.unclaimed() && !checkpoint.changelog && !checkpoint.file_merging);
            let times = (checkpoint.timestamp_ms, checkpoint.completion_timestamp_ms);
            (
                checkpoint.checkpoint_id,
                checkpoint.external_pointer,
                checkpoint.metadata_path.unwrap(),
                times,
            )
        })
        .collect();
    let expected = |id: u64, times| {
        (
            id,
            format!("{base}/chk-{id}"),
            format!("{base}/chk-{id}/_metadata"),
            times,
        )
    };
    let times = [
        (1_795_247_679_162, 1_795_247_679_334),
        (1_795_247_681_163, 1_795_247_681_400),
    ];
    assert_eq!(found, [expected(71, times[0]), expected(72, times[1])]);
    // REST knows the same trigger time, and the last acknowledgement just before the completion.
    let text = fs::read(entry().dir.join("rest-jobs_JOB_checkpoints.json")).unwrap();
    let latest =
        &serde_json::from_slice::<serde_json::Value>(&text).unwrap()["latest"]["completed"];
    assert_eq!(
        (latest["id"].as_i64(), latest["trigger_timestamp"].as_i64()),
        (Some(71), Some(times[0].0))
    );
    assert_eq!(
        latest["latest_ack_timestamp"].as_i64(),
        Some(times[0].1 - 4)
    );
}

#[test]
fn ha_files_reference_exactly_what_the_metadata_does() {
    for (_, checkpoint) in checkpoints() {
        let bytes = read(checkpoint.metadata_path.as_ref().unwrap());
        assert!(checkpoint.references.len() > 20);
        assert_same(&checkpoint, &bytes);
    }
}

/// The blob and the `_metadata` tell the same.
fn assert_same(checkpoint: &HaCheckpoint, metadata: &[u8]) {
    let directory = checkpoint.external_pointer.clone();
    let mut references = Absolute {
        directory,
        found: Vec::new(),
    };
    let summary = visit(metadata, &mut references).unwrap();
    let sorted = |list: &[Reference<'static>]| {
        let mut list = list.to_vec();
        list.sort_by_cached_key(|reference| format!("{reference:?}"));
        // One directory object serves several handles.
        list.dedup();
        list
    };
    assert_eq!(sorted(&checkpoint.references), sorted(&references.found));
    assert_eq!(checkpoint.checkpoint_id, summary.checkpoint_id);
    assert_eq!(
        (checkpoint.changelog, checkpoint.file_merging),
        (summary.changelog, summary.file_merging)
    );
    assert_eq!(checkpoint.inline_bytes, summary.counts.inline_bytes);
    if let Some(properties) = summary.properties {
        assert_eq!(checkpoint.properties, properties);
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/high-availability")
}

/// See the README beside them.
#[test]
fn blobs_of_other_releases_reference_exactly_what_their_metadata_does() {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(fixtures()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "blob") {
            continue;
        }
        let checkpoint =
            parse_blob(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let pointer = checkpoint.external_pointer.clone();
        assert_eq!(
            checkpoint.metadata_path,
            Some(format!("{pointer}/_metadata"))
        );
        let inside = pointer.strip_prefix("file:/data/flink/ckpt/").unwrap();
        let (version, config, inside) = {
            let mut parts = inside.splitn(3, '/');
            (
                parts.next().unwrap(),
                parts.next().unwrap(),
                parts.next().unwrap(),
            )
        };
        let dir = corpus::entry(version, config).unwrap().dir;
        assert_same(
            &checkpoint,
            &fs::read(dir.join(inside).join("_metadata")).unwrap(),
        );
        assert_eq!(checkpoint.job_id, "0123456789abcdef0000000000000abc");
        assert_eq!(
            (checkpoint.timestamp_ms, checkpoint.completion_timestamp_ms),
            (1000, 2000)
        );
        found.insert(
            name,
            (
                checkpoint.properties.kind(),
                checkpoint.changelog,
                checkpoint.file_merging,
            ),
        );
    }
    let checkpoint = SnapshotKind::Checkpoint;
    let expected = [
        // Version 3 does not say that it is a savepoint; who serialized this took it for a checkpoint.
        (
            "flink-1.14.6-of-1.13.6-canonical-savepoint",
            (checkpoint, false, false),
        ),
        (
            "flink-1.14.6-of-1.13.6-unaligned",
            (checkpoint, false, false),
        ),
        (
            "flink-1.18.1-of-1.15.4-weird-path",
            (checkpoint, false, false),
        ),
        (
            "flink-1.18.1-of-1.17.2-changelog",
            (checkpoint, true, false),
        ),
        (
            "flink-1.20.1-of-1.20.5-merging-across",
            (checkpoint, false, true),
        ),
        ("flink-2.3.0-of-2.1.3-unaligned", (checkpoint, false, false)),
        (
            "flink-2.3.0-of-2.3.0-merging-within",
            (checkpoint, false, true),
        ),
        (
            "flink-2.3.0-of-2.3.0-restore-claim-native-sp",
            (
                SnapshotKind::Savepoint(SavepointFormat::Native),
                false,
                false,
            ),
        ),
    ];
    assert_eq!(
        found,
        expected
            .map(|(name, facts)| (name.to_owned(), facts))
            .into()
    );
}

#[test]
fn handles_of_unknown_classes_are_errors() {
    let path = fixtures().join("flink-2.3.0-of-2.1.3-unaligned.blob");
    let renamed = |from: &str, to: &str| {
        let mut blob = fs::read(&path).unwrap();
        assert_eq!(from.len(), to.len());
        let places: Vec<_> = (0..blob.len())
            .filter(|at| blob[*at..].starts_with(from.as_bytes()))
            .collect();
        for at in &places {
            blob[*at..*at + from.len()].copy_from_slice(to.as_bytes());
        }
        assert!(!places.is_empty());
        parse_blob(&blob).unwrap_err()
    };
    for (from, to, unknown) in [
        (
            "state.OperatorStreamStateHandle",
            "state.FancyStateStreamingHandle",
            "FancyStateStreamingHandle",
        ),
        (
            "memory.ByteStreamStateHandle",
            "memory.CityStreamStateHandle",
            "CityStreamStateHandle",
        ),
    ] {
        let error = renamed(from, to);
        assert_eq!(error.category(), Category::Unknown, "{error}");
        assert!(error.to_string().contains(unknown), "{error}");
    }
    // Its children are no file handles either, and a path is left over.
    let error = renamed("filesystem.FileStateHandle", "filesystem.ColdStateHolder");
    assert_eq!(error.category(), Category::Unknown, "{error}");
}

#[test]
fn pointers_of_old_releases_and_delete_markers() {
    for (name, marked_for_deletion) in [
        ("flink-1.14.6.pointer", false),
        ("flink-2.3.0-marked.pointer", true),
    ] {
        let value = fs::read_to_string(fixtures().join(name)).unwrap();
        let path = "file:/ha dir/completedCheckpoint0123456789ab".to_owned();
        let expected = HaPointer {
            path,
            marked_for_deletion,
            state_size: Some(4711),
        };
        assert_eq!(parse_config_map_value(&value).unwrap(), expected, "{name}");
    }
}

struct Absolute {
    directory: String,
    found: Vec<Reference<'static>>,
}

impl Visitor for Absolute {
    fn reference(&mut self, reference: Reference<'_>, _: &Origin) {
        self.found.push(match reference {
            Reference::RelativeFile { path, length } => Reference::File {
                path: format!("{}/{path}", self.directory).into(),
                length,
            },
            other => other.into_owned(),
        });
    }
}

#[test]
fn every_cut_of_an_ha_file_is_an_error() {
    let value = &values()[0].1;
    for length in 0..value.len() {
        assert!(
            parse_config_map_value(&value[..length]).is_err(),
            "{length}"
        );
    }
    let pointer = parse_config_map_value(value).unwrap();
    let blob = read(&pointer.path);
    for length in 0..blob.len() {
        assert!(parse_blob(&blob[..length]).is_err(), "{length}");
    }
    let mut longer = blob.clone();
    longer.push(0x70);
    assert_eq!(
        parse_blob(&longer).unwrap_err().category(),
        Category::Corrupt
    );
}

#[test]
fn an_ha_file_is_no_pointer_and_a_pointer_is_no_checkpoint() {
    let pointer = parse_config_map_value(&values()[0].1).unwrap();
    let blob = read(&pointer.path);
    let error = flink_metadata::ha::parse_pointer(&blob).unwrap_err();
    assert!(
        error.to_string().contains("RetrievableStreamStateHandle"),
        "{error}"
    );
    assert!(
        parse_config_map_value("not base64!")
            .unwrap_err()
            .to_string()
            .contains("Base64")
    );
}
