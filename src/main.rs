//! The binary `flink-retention`.

use std::process::ExitCode;

fn main() -> ExitCode {
    flink_retention::cli::main()
}
