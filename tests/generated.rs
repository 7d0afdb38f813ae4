//! The files that are made from code are those that the code makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flink_retention::cli::crds;

fn assert_up_to_date(directory: &str) {
    let generated: BTreeMap<String, String> = crds::files().unwrap().into_iter().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let stored: BTreeMap<String, String> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    let repair = format!("run `cargo run -- crds --directory {directory}`");
    assert_eq!(
        stored.keys().collect::<Vec<_>>(),
        generated.keys().collect::<Vec<_>>(),
        "{directory}: {repair}"
    );
    for (name, text) in generated {
        assert!(
            stored[&name] == text,
            "{directory}/{name} is out of date: {repair}"
        );
    }
}

#[test]
fn the_definitions_are_up_to_date() {
    assert_up_to_date("crds");
}

#[test]
fn the_definitions_in_the_chart_are_up_to_date() {
    assert_up_to_date("charts/flink-retention-operator/files/crds");
}
