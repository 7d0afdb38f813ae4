//! The binary `flink-retention`.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("crds") {
        eprintln!("usage: flink-retention crds");
        return ExitCode::from(2);
    }
    match flink_retention::cli::crds::print(std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
