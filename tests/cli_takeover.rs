//! `flink-retention takeover` in a real directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const JOB: &str = "00000000000000000000000000000abc";
const ORPHAN: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

fn run(base: &Path, command: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .arg(command)
        .arg(base)
        .args(arguments)
        .output()
        .unwrap()
}

fn prune(base: &Path, owner: &str) -> Output {
    let arguments = [
        "--stopped",
        "all",
        "--min-age",
        "0s",
        "--yes",
        "--owner-id",
        owner,
    ];
    run(
        base,
        "prune",
        &[arguments.as_slice(), &["--grace-period", "1h"]].concat(),
    )
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_directory_changes_hands_only_when_somebody_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path();
    let shared = base.join(JOB).join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::write(shared.join(ORPHAN), "x").unwrap();

    let free = run(base, "takeover", &["--owner-id", "b", "--yes"]);
    assert_eq!(free.status.code(), Some(0), "{}", said(&free));
    assert!(said(&free).contains("has no owner yet"), "{}", said(&free));

    assert_eq!(prune(base, "a").status.code(), Some(0));
    let refused = prune(base, "b");
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("takeover"), "{}", said(&refused));

    // Without --yes it only looks.
    let looked = run(base, "takeover", &["--owner-id", "b"]);
    assert_eq!(looked.status.code(), Some(3), "{}", said(&looked));
    assert!(
        said(&looked).contains("belongs to a, which last acted at 20"),
        "{}",
        said(&looked)
    );
    assert_eq!(prune(base, "b").status.code(), Some(1));

    let taken = run(
        base,
        "takeover",
        &["--owner-id", "b", "--yes", "--output", "json"],
    );
    assert_eq!(taken.status.code(), Some(0), "{}", said(&taken));
    let row: Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(row["outcome"], "taken-over");
    assert_eq!(
        (&row["former"]["owner"], &row["epoch"]["owner"]),
        (&"a".into(), &"b".into())
    );

    assert_eq!(prune(base, "a").status.code(), Some(1));
    let ours = prune(base, "b");
    assert_eq!(ours.status.code(), Some(0), "{}", said(&ours));
    assert!(shared.join(ORPHAN).exists(), "it is marked anew");
    let again = run(base, "takeover", &["--owner-id", "b"]);
    assert!(said(&again).contains("already"), "{}", said(&again));
    assert_eq!(again.status.code(), Some(0));
}
