//! `flink-retention completions`: scripts that complete the command line in a shell.

use std::io::{self, Write};

use anyhow::Context;
use clap_complete::Shell;

/// Print a script with which a shell completes this command line
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell that is to read it
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(Arguments { shell }: Arguments) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "flink-retention", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the script"),
    }
}
