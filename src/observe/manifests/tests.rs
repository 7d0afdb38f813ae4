#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use rstest::rstest;
use tempfile::TempDir;

const STABLE: &str = include_str!("../fixtures/stable.yaml");

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

fn error(files: &[(&str, &str)]) -> String {
    let directory = directory(files);
    Manifests::read(directory.path()).unwrap_err().to_string()
}

#[tokio::test]
async fn documents_lists_and_sub_directories_are_read() {
    let many = "
kind: List
apiVersion: v1
items:
- {kind: ConfigMap, metadata: {name: a, namespace: flink, uid: u}, data: {counter: \"7\"}}
- {kind: Secret, metadata: {name: s}}
---
# nothing here
---
kind: Namespace
metadata: {name: flink, annotations: {flink-retention.dev/suspend: \"true\"}}
";
    let directory = directory(&[
        ("jobs/stable.yaml", STABLE),
        ("many.yml", many),
        ("README.md", "no: [yaml"),
    ]);
    let manifests = Manifests::read(directory.path()).unwrap();
    let resources = manifests.resources().await;
    assert_eq!(resources.flink.len(), 1);
    assert_eq!(resources.config_maps.len(), 1);
    assert!(resources.suspended_namespaces.contains_key("flink"));
    let map = manifests.config_map("flink", "a").await.unwrap().unwrap();
    assert_eq!((map.uid.as_str(), map.data["counter"].as_str()), ("u", "7"));
    assert_eq!(manifests.config_map("flink", "b").await.unwrap(), None);
    assert!(manifests.processes("flink").await.is_err());
}

#[test]
fn one_file_is_enough() {
    let directory = directory(&[("stable.yaml", STABLE)]);
    assert!(Manifests::read(&directory.path().join("stable.yaml")).is_ok());
}

#[test]
fn broken_yaml_is_one_error_with_file_and_line() {
    let text = error(&[
        ("ok.yaml", STABLE),
        ("broken.yaml", "kind: A\nspec:\n  a: [1\n"),
    ]);
    assert!(text.contains("broken.yaml:"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let position = text.split("broken.yaml:").nth(1).unwrap();
    let line: u64 = position.split(':').next().unwrap().parse().unwrap();
    assert!((3..=4).contains(&line), "{text}");
}

#[rstest]
#[case("- a\n- b\n", "it is not a map")]
#[case("a: b\n", "no kind")]
#[case("kind: ConfigMap\n", "metadata.name")]
#[case("kind: List\n", "no items")]
#[case(
    "kind: ConfigMap\nmetadata: {name: a}\ndata: {a: [b]}\n",
    "data of ConfigMap a"
)]
fn what_is_no_object_is_an_error(#[case] yaml: &str, #[case] says: &str) {
    let text = error(&[(
        "x.yaml",
        &format!("---\nkind: Secret\nmetadata: {{name: s}}\n---\n{yaml}"),
    )]);
    assert!(text.contains(says) && text.contains("document 2"), "{text}");
}

#[test]
fn an_object_that_is_given_twice_is_an_error() {
    let text = error(&[("a.yaml", STABLE), ("b.yaml", STABLE)]);
    assert!(text.contains("a.yaml") && text.contains("b.yaml"), "{text}");
    assert!(text.contains("FlinkDeployment flink/orders"), "{text}");
}

#[test]
fn a_directory_without_flink_resources_is_probably_the_wrong_one() {
    assert!(error(&[]).contains("holds no FlinkDeployment"));
    let text = error(&[("x.yaml", "kind: Secret\nmetadata: {name: s}\n")]);
    assert!(text.contains("holds no FlinkDeployment"), "{text}");
}

#[test]
fn a_path_that_does_not_exist_is_named() {
    let text = Manifests::read(Path::new("/does/not/exist")).unwrap_err();
    assert!(text.to_string().contains("/does/not/exist"));
}

#[test]
fn the_place_of_an_error_is_told_once() {
    for (told, kept) in [
        ("error: line 1 column 7: bad indent\n at", "bad indent"),
        ("line 1 of it: bad", "line 1 of it: bad"),
        ("bad", "bad"),
    ] {
        assert_eq!(without_place(told), kept);
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    std::fs::write(&path, "a: b: c\n").unwrap();
    let error = Manifests::read(&path).unwrap_err().to_string();
    assert!(
        error.contains(": not valid YAML: ") && !error.contains("column"),
        "{error}"
    );
}
