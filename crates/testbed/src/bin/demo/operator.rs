//! The operator as a process.

use std::fs;
use std::path::PathBuf;

use testbed::process::Process;

use crate::Result;
use crate::cluster::{Shell, until};
use crate::jobs::{NAMESPACE, VOLUME, VOLUME_OF_PAYMENTS};

/// How much of the log a person wants to see after a failure.
const TAIL: usize = 30;

pub(crate) const ADMINISTRATOR: &str = "\
version: 1
floors: {minAge: 1h, gracePeriod: 2s}   # for this demo; the chart writes 24h
grants:
- namespace: flink
  bases:
  - {location: file:/data/flink/ckpt}
  - {location: file:/flink1/tree/ckp}
";

#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) process: Process,
    /// `127.0.0.1:<port>`, where metrics are.
    pub(crate) address: String,
}

/// The command that starts it, as a person would type it.
pub(crate) fn command_line() -> String {
    let mounts = [VOLUME, VOLUME_OF_PAYMENTS]
        .map(|(remote, local)| format!("  --mount {NAMESPACE}/file:{remote}={local}"));
    format!(
        "flink-retention operator --administrator-config administrator.yaml \\\n{} \\\n  --leader-election-namespace flink-retention --metrics-address 127.0.0.1:0 --observe-interval 1s",
        mounts.join(" \\\n")
    )
}

impl Operator {
    pub(crate) fn start(shell: &Shell) -> Result<Self> {
        let arguments = command_line().replace("\\\n", " ");
        let mut words = arguments.split_whitespace();
        let mut command = shell.program(words.next().unwrap_or_default());
        command.args(words).env("NO_COLOR", "1");
        let mut process = Process::spawn("the operator", &mut command, &log(shell))?;
        let address = until("the operator's metrics", || {
            if let Some(status) = process.try_wait()? {
                return Err(format!("the operator ended with {status}").into());
            }
            Ok(address_in(&fs::read_to_string(process.log())?))
        })?;
        Ok(Self { process, address })
    }

    /// The lines of its metrics that begin so.
    pub(crate) fn metrics(&self, begin: &[&str]) -> Result<String> {
        let text = ureq::get(format!("http://{}/metrics", self.address))
            .call()?
            .body_mut()
            .read_to_string()?;
        let lines = text
            .lines()
            .filter(|line| begin.iter().any(|begin| line.starts_with(begin)));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }
}

pub(crate) fn log(shell: &Shell) -> PathBuf {
    shell.root.join("operator.log")
}

pub(crate) fn tail(shell: &Shell) -> Option<String> {
    let text = fs::read_to_string(log(shell)).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines
        .get(lines.len().saturating_sub(TAIL)..)
        .unwrap_or_default();
    (!tail.is_empty()).then(|| tail.join("\n"))
}

/// Port 0 means any; the log says which it became.
fn address_in(log: &str) -> Option<String> {
    let line = log
        .lines()
        .find(|line| line.contains("metrics and probes answer"))?;
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some(format!("127.0.0.1:{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_text_and_in_json() {
        for line in [
            "INFO flink_retention::operator: metrics and probes answer address=127.0.0.1:4242",
            r#"{"fields":{"message":"metrics and probes answer","address":"127.0.0.1:4242"}}"#,
        ] {
            assert_eq!(address_in(line).as_deref(), Some("127.0.0.1:4242"));
        }
    }
}
