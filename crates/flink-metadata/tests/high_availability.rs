//! The `ConfigMap`s and HA files of a real cluster lead to its real checkpoints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use flink_metadata::ha::{HaCheckpoint, HaPointer, parse_blob, parse_config_map_value};
use flink_metadata::{Category, Origin, Reference, SnapshotKind, Visitor, visit};
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
        let bytes = read(&checkpoint.metadata_path.unwrap());
        let mut references = Absolute {
            directory: checkpoint.external_pointer,
            found: Vec::new(),
        };
        visit(&bytes, &mut references).unwrap();
        let sorted = |mut list: Vec<Reference<'static>>| {
            list.sort_by(|a, b| a.path().cmp(b.path()));
            list
        };
        assert!(references.found.len() > 20);
        assert_eq!(sorted(checkpoint.references), sorted(references.found));
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
