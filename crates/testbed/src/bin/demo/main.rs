//! `make demo`: the operator and the command line on real Flink directories and a real Kubernetes API server.
//!
//! Every command is shown before it runs, and its output is what it printed. With `KEEP=1` everything is left running.

mod chapters;
mod cluster;
mod jobs;
mod kept;
mod operator;
mod screen;
mod stage;
mod storage;

use std::error::Error;
use std::process::ExitCode;

use stage::Demo;

/// What goes wrong is told to a person, not matched on.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut demo = Demo::start()?;
    if let Err(error) = demo.tell() {
        if let Some(tail) = demo.tail_of_operator_log() {
            eprintln!("\nthe operator's last words:\n{tail}");
        }
        return Err(error);
    }
    demo.end()
}
