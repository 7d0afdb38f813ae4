#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::MetadataExt;

use std::time::SystemTime;

use super::*;

#[test]
fn both_corpora_are_whole() {
    let entries = entries().unwrap();
    let versions: std::collections::BTreeSet<_> =
        entries.iter().map(|entry| &entry.flink_version).collect();
    assert_eq!((entries.len(), versions.len()), (164, 7));
    let (mut loadable, mut torn) = (0, 0);
    for entry in &entries {
        assert!(entry.trees().contains(&Tree::Left), "{entry:?}");
        for tree in entry.trees() {
            for metadata in entry.truth(tree).unwrap().metadata {
                assert_eq!(
                    metadata.facts.is_none(),
                    metadata.load_error.is_some(),
                    "{}",
                    metadata.metadata
                );
                assert!(entry.tree(tree).join(&metadata.metadata).is_file());
                *if metadata.facts.is_some() {
                    &mut loadable
                } else {
                    &mut torn
                } += 1;
            }
        }
    }
    assert_eq!((loadable, torn), (712, 1));
}

#[test]
fn a_directory_is_as_flink_left_it() {
    let entry = entry("2.3.0", "merging-across").unwrap();
    let target = tempfile::tempdir().unwrap();
    let truth = entry
        .materialize(Tree::Left, target.path(), Times::Recorded)
        .unwrap();
    for file in &truth.tree_files {
        let found = fs::metadata(target.path().join(&file.path)).unwrap();
        assert_eq!(found.len(), file.size);
        let modified = u64::try_from(found.mtime() * 1_000_000_000 + found.mtime_nsec()).unwrap();
        assert_eq!(modified, file.mtime_ns);
    }
    let metadata = target.path().join(&truth.metadata[0].metadata);
    assert_eq!(fs::read(metadata).unwrap()[..4], *b"I`g-");
    for dir in &truth.empty_dirs {
        assert_eq!(
            fs::read_dir(target.path().join(dir)).unwrap().count(),
            0,
            "{dir}"
        );
    }
}

#[test]
fn times_can_be_moved() {
    let entry = entry("2.3.0", "hashmap-files").unwrap();
    let target = tempfile::tempdir().unwrap();
    let newest = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let truth = entry
        .materialize(Tree::Left, target.path(), Times::NewestAt(newest))
        .unwrap();
    let modified = |file: &TreeFile| {
        fs::metadata(target.path().join(&file.path))
            .unwrap()
            .modified()
            .unwrap()
    };
    assert_eq!(truth.tree_files.iter().map(modified).max(), Some(newest));
    assert!(truth.tree_files.iter().map(modified).min() < Some(newest));
}

#[test]
fn an_unknown_entry_is_named() {
    let error = entry("9.9.9", "none").unwrap_err();
    assert_eq!(error.to_string(), "corpus: there is no entry 9.9.9/none");
}
