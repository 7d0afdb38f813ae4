//! The chart and the operator in a cluster in which pods run: scheduler, kubelet, service accounts, volumes, all of it.
//!
//! `make real-cluster`, as root; docs/real-cluster.md says what it needs. Without `--ignored` nothing is started.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod flink;
mod image;
mod managed;
mod quick_start;
mod retention;
mod shell;
mod stage;
mod upgrade;
mod worker;

use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Trial};
use stage::Stage;
use testbed::real_cluster;

/// What is told of an empty cluster. It leaves what it likes.
type Story = fn(&Stage);

const STORIES: [(&str, Story); 5] = [
    (
        "the_quick_start_of_the_readme_ends_with_a_report",
        quick_start::ends_with_a_report,
    ),
    (
        "an_upgrade_a_rollback_and_an_end_lose_nothing",
        upgrade::loses_nothing,
    ),
    (
        "a_worker_looks_and_deletes_where_that_is_granted",
        worker::looks_and_deletes_where_that_is_granted,
    ),
    (
        "a_worker_ends_with_the_operator",
        worker::ends_with_the_operator,
    ),
    (
        "who_manages_our_objects_sees_no_drift",
        managed::sees_no_drift,
    ),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one cluster.
    arguments.test_threads = Some(1);
    let starts = (arguments.ignored || arguments.include_ignored) && !arguments.list;
    let tell = move || tell(&arguments);
    if !starts {
        return tell();
    }
    match real_cluster::apart(tell) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> ExitCode {
    // One cluster for all, which each has for itself.
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    let trials = STORIES.into_iter().map(|(name, story)| {
        let told = move || {
            let stage = STAGE.get_or_init(|| Mutex::new(Stage::start()));
            let stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            stage.clear();
            story(&stage);
            Ok(())
        };
        Trial::test(name, told).with_ignored_flag(true)
    });
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}
