//! How the program ends: exit codes, and one line for what went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

/// A command that did what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    /// What was asked for was done, and somebody should look at what it said.
    Findings,
}

/// A command line that makes no sense, beyond what its grammar can tell.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The exit code of a command; its error goes to stderr.
pub(super) fn report(done: anyhow::Result<Exit>) -> ExitCode {
    let error = match done {
        Ok(Exit::Fine) => return ExitCode::SUCCESS,
        Ok(Exit::Findings) => return ExitCode::from(3),
        Err(error) => error,
    };
    complain(&format!("{error:#}"));
    if error.downcast_ref::<UsageError>().is_some() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// One line on stderr.
pub(super) fn complain(text: &str) {
    // Where stderr is closed nobody can be told.
    let _ = writeln!(io::stderr(), "error: {}", one_line(text));
}

/// One line on stderr about what was done otherwise than one may think.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "note: {}", one_line(text));
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
