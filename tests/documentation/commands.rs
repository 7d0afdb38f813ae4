//! What each program that the documentation calls must be given.

use std::fs;
use std::process::Command;

use testbed::tools;

use super::pages::repository;

/// Programs that are not ours to check, and what for.
const OF_OTHERS: [&str; 13] = [
    "docker", "export", "git", "cd", "ln", "grep", "tail", "sort", "kind", "curl", "cosign", "aws",
    "gh",
];

const CHART: &str = "charts/flink-retention-operator";

/// Why the command cannot work, if that is so.
pub(crate) fn trouble(words: &[String]) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    match program.as_str() {
        "flink-retention" => flink_retention(words),
        "kubectl" => kubectl(arguments),
        "helm" => helm(arguments),
        "make" => arguments.iter().find_map(|target| make(target)),
        "cargo" => cargo(arguments),
        "apt-get" | "rustup" => None,
        other if OF_OTHERS.contains(&other) => None,
        other if other.contains('/') => {
            (!repository().join(other).exists()).then(|| format!("there is no {other}"))
        }
        other => Some(format!(
            "the tests of the documentation do not know {other}: teach them in tests/documentation/commands.rs"
        )),
    }
}

fn flink_retention(words: &[String]) -> Option<String> {
    let parsed = flink_retention::cli::command().try_get_matches_from(words);
    parsed
        .err()
        .filter(clap::Error::use_stderr)
        .map(|error| error.to_string())
}

/// Kinds of Kubernetes' own that are spoken of.
const KINDS: [&str; 14] = [
    "pod",
    "pods",
    "svc",
    "lease",
    "configmap",
    "crd",
    "namespace",
    "deployment",
    "events",
    "pvc",
    "job",
    "secret",
    "flinkdeployment",
    "flinkdeployments",
];

const ABOUT_KINDS: [&str; 5] = ["get", "describe", "patch", "delete", "annotate"];
const OTHER_VERBS: [&str; 11] = [
    "apply",
    "create",
    "logs",
    "exec",
    "port-forward",
    "scale",
    "diff",
    "rollout",
    "wait",
    "label",
    "replace",
];

/// Flags that take their value as a word of their own.
const WITH_VALUE: [&str; 9] = [
    "-n",
    "-o",
    "-l",
    "-p",
    "-f",
    "--namespace",
    "--type",
    "--tail",
    "-c",
];

fn kubectl(arguments: &[String]) -> Option<String> {
    if let Some((plugin, arguments)) = arguments.split_first()
        && plugin == "flink-retention"
    {
        let ours = ["flink-retention", "kube"].map(str::to_owned);
        return flink_retention(&[&ours, arguments].concat());
    }
    let mut plain = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if WITH_VALUE.contains(&argument.as_str()) {
            let value = rest.next()?;
            let trouble = match argument.as_str() {
                "-f" => manifest(value),
                "-p" => patch(value),
                _ => None,
            };
            if trouble.is_some() {
                return trouble;
            }
        } else if argument == "--" {
            return nested(&plain, &rest.cloned().collect::<Vec<_>>());
        } else if !argument.starts_with('-') {
            plain.push(argument.as_str());
        }
    }
    let verb = plain.first().copied().unwrap_or_default();
    if OTHER_VERBS.contains(&verb) {
        return None;
    }
    if !ABOUT_KINDS.contains(&verb) {
        return Some(format!(
            "kubectl has no verb {verb:?} that the tests of the documentation know"
        ));
    }
    let kinds = plain.get(1).copied().unwrap_or_default();
    let kinds = kinds.split_once('/').map_or(kinds, |(kind, _)| kind);
    kinds
        .split(',')
        .find(|kind| !is_kind(kind))
        .map(|kind| format!("{kind:?} is no kind that the tests of the documentation know"))
}

/// What runs in a pod is our program.
fn nested(plain: &[&str], words: &[String]) -> Option<String> {
    let mut words = words.to_vec();
    let program = words.first_mut()?;
    if plain.first() != Some(&"exec") || program != "/flink-retention" {
        return Some(format!(
            "only /flink-retention is in the image, not {program}"
        ));
    }
    "flink-retention".clone_into(program);
    trouble(&words)
}

fn is_kind(word: &str) -> bool {
    let ours = flink_retention::api::crds();
    let mut ours = ours.iter().map(|definition| &definition.spec.names);
    KINDS.contains(&word)
        || ours.any(|names| {
            names.plural == word
                || names.kind.to_lowercase() == word
                || names
                    .short_names
                    .iter()
                    .flatten()
                    .any(|short| short == word)
        })
}

fn manifest(path: &str) -> Option<String> {
    let known = path == "-" || path.starts_with("https://") || repository().join(path).exists();
    (!known).then(|| format!("there is no {path}"))
}

fn patch(text: &str) -> Option<String> {
    let error = serde_json::from_str::<serde_json::Value>(text).err()?;
    Some(format!("the patch is no JSON: {error}"))
}

/// The chart renders with these very values, and its schema takes them.
fn helm(arguments: &[String]) -> Option<String> {
    let verb = arguments.first().map(String::as_str).unwrap_or_default();
    if [
        "uninstall",
        "rollback",
        "history",
        "list",
        "get",
        "repo",
        "test",
        "status",
    ]
    .contains(&verb)
    {
        return None;
    }
    if !["install", "upgrade", "template"].contains(&verb) {
        return Some(format!(
            "helm has no verb {verb:?} that the tests of the documentation know"
        ));
    }
    if !arguments
        .iter()
        .any(|argument| argument.trim_end_matches('/') == CHART)
    {
        // Somebody else's chart.
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    // What only matters to a cluster is left out.
    let of_cluster = [
        "--install",
        "--create-namespace",
        "--wait",
        "--atomic",
        "--reuse-values",
        "--reset-then-reuse-values",
    ];
    let output = Command::new(tools::helm().unwrap())
        .arg("template")
        .args(
            arguments[1..]
                .iter()
                .filter(|argument| !of_cluster.contains(&argument.as_str())),
        )
        .arg("--kube-version=1.33.0")
        .current_dir(repository())
        .envs(
            ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"]
                .map(|name| (name, home.path())),
        )
        .output()
        .unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn make(target: &str) -> Option<String> {
    let makefile = fs::read_to_string(repository().join("Makefile")).unwrap();
    // A setting has no spaces around its sign.
    let known = target.contains('=')
        || makefile
            .lines()
            .any(|line| line.starts_with(&format!("{target}:")));
    (!known).then(|| format!("the Makefile has no target {target}"))
}

/// Tests, benches and packages that it names are there.
fn cargo(arguments: &[String]) -> Option<String> {
    let value = |flags: &[&str]| {
        let position = arguments
            .iter()
            .position(|argument| flags.contains(&argument.as_str()))?;
        arguments.get(position + 1).map(String::as_str)
    };
    let package = value(&["-p", "--package"]);
    let root = package.map_or_else(repository, |package| {
        repository().join("crates").join(package)
    });
    if !root.join("Cargo.toml").exists() {
        return Some(format!("there is no package {package:?}"));
    }
    for (flag, folder) in [("--test", "tests"), ("--bench", "benches")] {
        if let Some(name) = value(&[flag]) {
            let files = [format!("{name}.rs"), format!("{name}/main.rs")];
            if !files
                .iter()
                .any(|file| root.join(folder).join(file).exists())
            {
                return Some(format!(
                    "there is no {folder}/{name}.rs in {}",
                    root.display()
                ));
            }
        }
    }
    None
}

#[test]
fn what_cannot_work_is_told() {
    let of = |line: &str| trouble(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    for fine in [
        "flink-retention plan checkpoints --stopped all",
        "flink-retention --help",
        "kubectl -n flink get ckinv,frp",
        "kubectl -n flink exec deploy/x -- /flink-retention verify /mnt",
        "kubectl apply -f examples/policy.yaml",
        "kubectl flink-retention -n flink status -o wide",
        "helm install x charts/flink-retention-operator --set replicas=2",
        "make demo",
        "cargo test -p retention --test guards",
        ".ci/run",
    ] {
        assert_eq!(of(fine), None, "{fine}");
    }
    for wrong in [
        "flink-retention plan checkpoints --stoped all",
        "flink-retention",
        "kubectl get frx",
        "kubectl gte frp",
        "kubectl flink-retention approve",
        "kubectl exec x -- ls",
        "kubectl exec x -- /flink-retention verfy /mnt",
        "kubectl apply -f examples/nothing.yaml",
        "kubectl patch frr x -p {",
        "helm install x charts/flink-retention-operator --set replica=2",
        "helm instal x charts/flink-retention-operator",
        "make nothing",
        "cargo test -p nothing",
        "cargo test --test nothing",
        "frobnicate",
    ] {
        assert!(of(wrong).is_some(), "{wrong}");
    }
}
