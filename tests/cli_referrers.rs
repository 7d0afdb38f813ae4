//! `flink-retention referrers`, and what `prune` remembers, in real directories.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testbed::snapshot::SnapshotFile;

const JOB: &str = "00000000000000000000000000000abc";
const OTHER: &str = "00000000000000000000000000000def";
const LEAKED: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

fn run(command: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .arg(command)
        .args(arguments)
        .output()
        .unwrap()
}

fn prune(directories: &[&str]) -> Output {
    let options = ["--stopped", "all", "--min-age", "0s", "--yes"];
    let grace = ["--grace-period", "0s"];
    run("prune", &[directories, &options, &grace].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_directory_that_is_named_once_is_remembered_until_somebody_says_that_it_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let (ckp, other) = (root.join("ckp"), root.join("other"));
    let leaked = ckp.join(JOB).join("shared").join(LEAKED);
    write(&leaked, b"needed elsewhere");
    let snapshot = SnapshotFile {
        checkpoint_id: 3,
        shared: vec![(format!("file:{}", leaked.display()), 16)],
        exclusive: Vec::new(),
    };
    write(
        &other.join(OTHER).join("chk-3/_metadata"),
        &snapshot.to_bytes(),
    );
    let (ckp, other) = (ckp.to_str().unwrap(), other.to_str().unwrap());

    let nobody = run("referrers", &[ckp]);
    assert_eq!(nobody.status.code(), Some(0), "{}", said(&nobody));
    assert!(
        said(&nobody).contains("nothing elsewhere"),
        "{}",
        said(&nobody)
    );

    let both = prune(&[ckp, other]);
    assert_eq!(both.status.code(), Some(0), "{}", said(&both));
    // The next time, and the times after, nobody mentions the other one.
    let one = prune(&[ckp]);
    assert_eq!(one.status.code(), Some(0), "{}", said(&one));
    assert!(leaked.exists());

    // Nor can it be seen.
    let away = root.join("away");
    fs::rename(other, &away).unwrap();
    let one = prune(&[ckp]);
    assert_eq!(one.status.code(), Some(3), "{}", said(&one));
    assert!(
        said(&one).contains("flink-retention referrers"),
        "{}",
        said(&one)
    );
    assert!(leaked.exists());

    let shown = run("referrers", &[ckp, "--output", "json"]);
    let row: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let location = format!("file:{other}");
    assert_eq!(row["referrer"], location.as_str());
    assert_eq!(row["outcome"], "remembered");

    // Nothing is forgotten by a command that is refused.
    let names = ["--forget", &location, "--forget", "file:/nowhere"];
    let unknown = run("referrers", &[&[ckp, "--yes"], &names[..]].concat());
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    let would = run("referrers", &[ckp, "--forget", &location]);
    assert!(
        said(&would).contains("forgotten with --yes"),
        "{}",
        said(&would)
    );
    assert_eq!(prune(&[ckp]).status.code(), Some(3));
    assert!(leaked.exists());

    let done = run("referrers", &[ckp, "--forget", &location, "--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let one = prune(&[ckp]);
    assert_eq!(one.status.code(), Some(0), "{}", said(&one));
    assert!(!leaked.exists());
}
