//! One test for each scenario file below this directory and each store, found when the tests run.
//!
//! `UPDATE_SCENARIOS=1 cargo test --test scenarios` writes what came out into the files; `README.md` has their format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;
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

use adapters::{Adapter, Expected};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files_on = |adapter: Adapter| {
        files().into_iter().filter_map(move |path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let expected = adapter.expected(&name);
            let name = format!("{}{name}", adapter.prefix());
            let play = move || play::play(&path, adapter, expected).map_err(Failed::from);
            (expected != Expected::Nothing).then(|| Trial::test(name, play))
        })
    };
    let mut trials: Vec<Trial> = Adapter::ALL.into_iter().flat_map(files_on).collect();
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
