use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use crate::process::Process;

/// Generous, for a slow machine that compiles while the tests run.
const LIMIT: Duration = Duration::from_mins(5);
/// Servers offer no event for "ready".
const POLL: Duration = Duration::from_millis(25);
const LAST_LINES: usize = 15;

/// Asks until the server is ready, ends or takes too long.
pub(crate) fn wait(
    server: &'static str,
    process: &mut Process,
    mut ask: impl FnMut() -> Result<(), String>,
) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        if let Some(status) = process
            .try_wait()
            .map_err(Error::io("wait for", process.log()))?
        {
            let log = process.log().to_owned();
            let last_lines = last_lines(&log);
            let taken = last_lines
                .to_ascii_lowercase()
                .contains("address already in use");
            return Err(if taken {
                Error::PortTaken { server, log }
            } else {
                Error::Ended {
                    server,
                    status,
                    log,
                    last_lines,
                }
            });
        }
        // A foreign server on our port would answer before ours gives up on it, so look at ours first.
        match ask() {
            Ok(()) => return Ok(()),
            Err(reason) if started.elapsed() > LIMIT => {
                let log = process.log().to_owned();
                return Err(Error::NotReady {
                    server,
                    seconds: LIMIT.as_secs(),
                    reason,
                    log,
                });
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}

/// Asks again and again; the last answer is the error if none is good.
pub(super) fn until(mut ask: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match ask() {
            Err(_) if started.elapsed() < LIMIT => thread::sleep(POLL),
            last => return last,
        }
    }
}

fn last_lines(log: &Path) -> String {
    let content = fs::read(log).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = content.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;

    use super::{Error, wait};
    use crate::process::Process;
    use crate::scratch::Scratch;

    fn wait_for(script: &str) -> Error {
        let scratch = Scratch::new("testbed-ready-").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut process =
            Process::spawn("server", &mut command, &scratch.path().join("server.log")).unwrap();
        wait("server", &mut process, || Err("not yet".to_owned())).unwrap_err()
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for_and_its_last_words_are_told() {
        let error = wait_for("echo no such flag; exit 3").to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("server.log"), "{error}");
        assert!(error.ends_with("no such flag"), "{error}");
    }

    #[test]
    fn a_taken_port_is_told_apart_because_another_one_may_do() {
        let error = wait_for("echo listen tcp 127.0.0.1:80: bind: address already in use; exit 1");
        assert!(matches!(error, Error::PortTaken { .. }), "{error}");
    }
}
