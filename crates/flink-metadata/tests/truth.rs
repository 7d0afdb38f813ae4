//! Every `_metadata` file of the corpora, against what Flink's own classes report about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;

use flink_metadata::{Category, Contents, Origin, Properties, Reference, Visitor, parse, visit};
use testbed::corpus::{self, Entry, Facts, Tree, TruthFile, TruthProperties, TruthSegment};

mod common;
use common::json;
use serde_json::json;

/// Calls `check` with each `_metadata` file: its name, its bytes and what Flink read, if it could.
fn for_each_metadata(mut check: impl FnMut(&str, &[u8], Option<&Facts>)) -> usize {
    let mut count = 0;
    for entry in corpus::entries().unwrap() {
        for tree in entry.trees() {
            for metadata in entry.truth(tree).unwrap().metadata {
                let path = entry.tree(tree).join(&metadata.metadata);
                let bytes = fs::read(&path).unwrap();
                assert_eq!(bytes.len() as u64, metadata.file_size);
                check(
                    &name(&entry, tree, &metadata.metadata),
                    &bytes,
                    metadata.facts.as_ref(),
                );
                count += 1;
            }
        }
    }
    count
}

fn name(entry: &Entry, tree: Tree, path: &str) -> String {
    format!("{}/{} {tree:?} {path}", entry.flink_version, entry.config)
}

#[test]
fn files_segments_and_directories_are_exactly_those_of_flink() {
    let count = for_each_metadata(|name, bytes, facts| {
        let Some(facts) = facts else { return };
        let contents =
            Contents::read(bytes, Some(&facts.pointer)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let as_truth = |file: &flink_metadata::FileUse| TruthFile {
            path: file.path.clone(),
            size: file.size.unwrap(),
            refs: file.refs,
            relative_refs: file.relative_refs,
        };
        let mut files: Vec<_> = contents.files.iter().map(as_truth).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut expected = facts.files.clone();
        expected.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(files, expected, "{name}");
        let mut directories = facts.directories.clone();
        directories.sort();
        assert_eq!(contents.directories, directories, "{name}");
        assert_eq!(
            segments(&contents),
            sorted(facts.segments.clone()),
            "{name}"
        );
        assert_eq!(
            (contents.inline_count, contents.inline_bytes),
            (facts.inline_count, facts.inline_bytes),
            "{name}"
        );
    });
    assert_eq!(count, 713);
}

fn segments(contents: &Contents) -> Vec<TruthSegment> {
    let segments = contents.segments.iter();
    sorted(
        segments
            .map(|segment| serde_json::from_value(json!(segment)).unwrap())
            .collect(),
    )
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

#[test]
fn versions_ids_and_counts_are_those_of_flink() {
    for_each_metadata(|name, bytes, facts| {
        let Some(facts) = facts else { return };
        let summary = visit(bytes, &mut Ignore).unwrap();
        let counts = summary.counts;
        let ours = [
            counts.inline_count,
            counts.inline_bytes,
            counts.relative_files,
            counts.empty_segments,
            counts.channel_handles,
            counts.changelog_stream_handles,
            counts.changelog_memory_handles,
            counts.operators,
        ];
        let theirs = [
            facts.inline_count,
            facts.inline_bytes,
            facts.relative_handles,
            facts.empty_segments,
            facts.channel_handles,
            facts.changelog_stream_handles,
            facts.changelog_memory_handles,
            facts.operators.len() as u64,
        ];
        assert_eq!(ours, theirs, "{name}");
        assert_eq!(
            (summary.version, summary.checkpoint_id),
            (facts.version, facts.checkpoint_id),
            "{name}"
        );
        let class = |name: &str| facts.handle_classes.get(name).copied().unwrap_or(0);
        assert_eq!(counts.files, class("FileStateHandle"), "{name}");
        assert_eq!(counts.segments, class("SegmentFileStateHandle"), "{name}");
        assert_eq!(
            summary.file_merging,
            !facts.segments.is_empty() || !facts.directories.is_empty(),
            "{name}"
        );
        assert_eq!(
            summary.changelog,
            class("ChangelogStateBackendHandleImpl") > 0,
            "{name}"
        );
    });
}

struct Ignore;

impl Visitor for Ignore {
    fn reference(&mut self, _: Reference<'_>, _: &Origin) {}
}

#[test]
fn properties_are_those_of_flink() {
    let mut kinds = BTreeMap::<_, usize>::new();
    for_each_metadata(|name, bytes, facts| {
        let Some(facts) = facts else { return };
        let properties = Contents::read(bytes, None).unwrap().properties;
        let as_truth =
            |p: &Properties| serde_json::from_value::<TruthProperties>(json!(p)).unwrap();
        assert_eq!(
            properties.as_ref().map(as_truth),
            facts.properties,
            "{name}"
        );
        *kinds
            .entry(facts.properties.as_ref().map(|p| p.format.clone()))
            .or_default() += 1;
    });
    let of = |format: &str| kinds[&Some(format.to_owned())];
    assert_eq!(
        (of("null"), of("NATIVE"), of("CANONICAL"), kinds[&None]),
        (535, 17, 14, 146)
    );
}

#[test]
fn trees_are_those_of_flink() {
    for_each_metadata(|name, bytes, facts| {
        let Some(facts) = facts else { return };
        let metadata = parse(bytes).unwrap();
        let ours: Vec<_> = sorted_by_id(
            metadata
                .operators
                .iter()
                .map(|o| json::operator(o, &facts.pointer))
                .collect(),
        );
        let theirs = sorted_by_id(facts.operators.clone());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(json::difference(ours, theirs), None, "{name}");
        }
        assert_eq!(ours.len(), theirs.len());
        assert!(
            metadata.master_states.is_empty() && facts.master_states.is_empty(),
            "{name}"
        );
    });
}

fn sorted_by_id(mut operators: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    operators.sort_by_key(|operator| operator["id"].to_string());
    operators
}

#[test]
fn torn_files_are_errors() {
    let mut torn = 0;
    for_each_metadata(|name, bytes, facts| {
        if facts.is_none() {
            let error = visit(bytes, &mut Ignore).unwrap_err();
            assert_eq!(
                (error.category(), error.version()),
                (Category::Truncated, Some(3)),
                "{name}: {error}"
            );
            assert!(error.field().starts_with("operators["), "{error}");
            assert!(error.offset() <= bytes.len());
            torn += 1;
        }
    });
    assert_eq!(torn, 1);
}

#[test]
fn unfinished_temporary_files_are_errors() {
    let mut count = 0;
    for entry in corpus::entries().unwrap() {
        for file in entry.truth(Tree::Left).unwrap().tree_files {
            if file.path.contains("._metadata.inprogress.") {
                let bytes = fs::read(entry.tree(Tree::Left).join(&file.path)).unwrap();
                assert!(visit(&bytes, &mut Ignore).is_err(), "{}", file.path);
                count += 1;
            }
        }
    }
    assert_eq!(count, 5);
}
