//! One test for each scenario file below this directory, found when the tests run.
//!
//! `UPDATE_SCENARIOS=1 cargo test --test scenarios` writes what came out into the files; `README.md` has their format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod coverage;
mod flink;
mod kubernetes;
mod names;
mod play;
mod script;
mod state;
mod steps;
mod table;
mod words;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = files()
        .into_iter()
        .map(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Trial::test(name, move || play::play(&path).map_err(Failed::from))
        })
        .collect();
    trials.extend(coverage::trials(&files()));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Every scenario file.
fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut pending = vec![directory];
    let mut found = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).expect("the directory can be read") {
            let path = entry.expect("the directory can be read").path();
            if path.is_dir() {
                pending.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "scenario")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
