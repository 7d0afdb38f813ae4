//! The chart's README explains every value, in the words of `values.yaml`, and the schema knows each of them.
//!
//! `UPDATE_README=1` writes the table anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

const BEGIN: &str =
    "<!-- values: made from values.yaml by `UPDATE_README=1 cargo test --test chart readme` -->\n";
const END: &str = "<!-- end of values -->\n";
/// What the schema allows and nobody sets by default.
const WITHOUT_DEFAULT: [&str; 4] = [
    "administrator.floors.keepWithin",
    "administrator.log",
    "global",
    "resources.claims",
];

fn chart(file: &str) -> PathBuf {
    let chart = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/charts/flink-retention-operator"
    );
    PathBuf::from(chart).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(chart(file)).unwrap()
}

/// A value, or a group of them.
#[derive(Debug)]
struct Row {
    path: String,
    /// None for a group.
    default: Option<String>,
    meaning: String,
}

/// In the order of the file; a comment belongs to the key below it.
fn rows(yaml: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut above: Vec<(usize, &str)> = Vec::new();
    for line in yaml.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() {
            comment.clear();
        } else if let Some(words) = text.strip_prefix('#') {
            comment.push(words.strip_prefix(' ').unwrap_or(words));
        } else {
            let (key, value) = text.split_once(':').unwrap();
            above.retain(|(of, _)| *of < indent);
            above.push((indent, key));
            let path: Vec<&str> = above.iter().map(|(_, key)| *key).collect();
            // What follows an empty line of a comment is an example.
            let prose: Vec<&str> = comment
                .drain(..)
                .take_while(|line| !line.is_empty())
                .collect();
            rows.push(Row {
                path: path.join("."),
                default: Some(value.trim().to_owned()).filter(|value| !value.is_empty()),
                meaning: prose.join(" "),
            });
        }
    }
    rows
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().filter_map(|row| {
        let Row {
            path,
            default,
            meaning,
        } = row;
        if default.is_none() && meaning.is_empty() {
            return None;
        }
        let default = default
            .as_ref()
            .map_or(String::new(), |value| format!("`{value}`"));
        let meaning = meaning.replace('|', "\\|");
        Some(format!("| `{path}` | {default} | {meaning} |\n"))
    });
    let head = "| value | default | meaning |\n|---|---|---|\n".to_owned();
    lines.fold(head, |table, line| table + &line)
}

#[test]
fn the_readme_is_up_to_date() {
    let readme = read("README.md");
    let (head, rest) = readme
        .split_once(BEGIN)
        .expect("the README marks where the table begins");
    let (_, tail) = rest
        .split_once(END)
        .expect("the README marks where the table ends");
    let fresh = format!(
        "{head}{BEGIN}{}{END}{tail}",
        table(&rows(&read("values.yaml")))
    );
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(chart("README.md"), &fresh).unwrap();
    }
    assert!(
        read("README.md") == fresh,
        "the chart's README is out of date: UPDATE_README=1 cargo test --test chart readme"
    );
}

#[test]
fn the_reference_is_up_to_date() {
    let head = "# Values of the chart\n\n<!-- Made from the code by `make generate`. -->\n\nOf [the Helm chart](../../charts/flink-retention-operator/README.md), which also says what it installs and what it is allowed to do.\n\n";
    let fresh = format!("{head}{}", table(&rows(&read("values.yaml"))));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/values.md");
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(page, &fresh).unwrap();
    }
    assert!(
        fs::read_to_string(page).unwrap_or_default() == fresh,
        "docs/reference/values.md is out of date: make generate"
    );
}

#[test]
fn every_value_is_explained_and_every_value_of_the_schema_has_a_default() {
    let yaml = read("values.yaml");
    let rows = rows(&yaml);
    for row in rows.iter().filter(|row| row.default.is_some()) {
        assert!(
            !row.meaning.is_empty(),
            "{} has no comment in values.yaml",
            row.path
        );
    }
    let values: Value = serde_saphyr::from_str(&yaml).unwrap();
    let mut defaults = BTreeMap::new();
    leaves("", &values, &mut defaults);
    // A short mapping is explained as one.
    let explained: BTreeSet<&String> = rows
        .iter()
        .filter(|row| row.default.is_some())
        .map(|row| &row.path)
        .collect();
    let by: BTreeSet<&String> = defaults
        .keys()
        .map(|value| {
            let explains = |row: &&&String| value == **row || value.starts_with(&format!("{row}."));
            let row = explained.iter().find(explains);
            *row.unwrap_or_else(|| panic!("{value} is not explained"))
        })
        .collect();
    assert_eq!(explained, by);

    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut known = BTreeSet::new();
    properties("", &schema, &mut known);
    let without: BTreeSet<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|path| {
            let below = format!("{path}.");
            let has_default = |value: &String| value == path || value.starts_with(&below);
            !defaults.keys().any(has_default)
        })
        .collect();
    assert_eq!(without, BTreeSet::from(WITHOUT_DEFAULT));
}

/// Values that hold no further ones.
fn leaves(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => {
            for (key, value) in object {
                leaves(&below(path, key), value, found);
            }
        }
        None => drop(found.insert(path.to_owned(), value.clone())),
    }
}

/// Each object says which properties it has, and allows no others.
fn properties(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        found.insert(path.to_owned());
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    for (key, schema) in properties {
        self::properties(&below(path, key), schema, found);
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
