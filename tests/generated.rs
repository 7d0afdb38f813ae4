//! The files that are made from code are those that the code makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flink_retention::cli::crds;

// Not all of what the tests of the chart need.
#[allow(dead_code)]
#[path = "chart/exported.rs"]
mod exported;

#[path = "generated/command_line.rs"]
mod command_line;
#[path = "generated/conditions.rs"]
mod conditions;
#[path = "generated/metrics.rs"]
mod metrics;
#[path = "generated/resources.rs"]
mod resources;
#[path = "generated/text.rs"]
mod text;

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
    let repair = "run `make generate`";
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

/// With `UPDATE_GENERATED`, as `make generate` sets it, the file is written.
fn assert_page(path: &str, fresh: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&file, fresh).unwrap();
    }
    let stored = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stored == fresh,
        "{path} is out of date: run `make generate`"
    );
}

#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    assert_page("docs/reference/command-line.md", &command_line::page());
}

#[test]
fn the_reference_of_the_resources_is_up_to_date() {
    for (path, page) in resources::pages() {
        assert_page(&path, &page);
    }
}

#[test]
fn the_reference_of_conditions_is_up_to_date() {
    assert_page("docs/reference/conditions.md", &conditions::page());
}

#[test]
fn the_tables_of_metrics_are_up_to_date() {
    let path = "docs/metrics.md";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut page = fs::read_to_string(file).unwrap();
    for (part, table) in metrics::tables() {
        let begin = format!("<!-- {part}: made from the code by `make generate` -->\n");
        let end = format!("<!-- end of {part} -->\n");
        let told = || format!("{path} does not say where the table of {part} begins and ends");
        let (head, rest) = page
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{}", told()));
        let (_, tail) = rest
            .split_once(&end)
            .unwrap_or_else(|| panic!("{}", told()));
        page = format!("{head}{begin}{table}{end}{tail}");
    }
    assert_page(path, &page);
}
