//! Two programs that do much the same, and what a run of them takes.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testbed::object_store::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use testbed::tools;

use crate::bucket::Bucket;

/// How often a running program is looked at.
const LOOKS: Duration = Duration::from_millis(5);

/// A command that lacks only the bucket.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    /// How the program writes the base of the bucket.
    base: fn(&S3Server, &Bucket) -> String,
}

/// What a run of it took.
#[derive(Debug)]
pub(crate) struct Took {
    pub(crate) time: Duration,
    /// Of memory at most.
    pub(crate) mebibytes: u64,
    /// As the store counts and calls them.
    pub(crate) requests: BTreeMap<String, u64>,
}

/// Our program, as somebody who knows that no job runs.
pub(crate) fn ours(command: &str, arguments: &[&str]) -> Program {
    let mut program = Command::new(env!("CARGO_BIN_EXE_flink-retention"));
    program
        .args([command, "--stopped", "all", "--output", "json"])
        .args(arguments);
    Program {
        command: program,
        base: |_, bucket| bucket.base(),
    }
}

/// With the listings that we ask for, where its default for an unknown store is an older kind.
pub(crate) fn rclone(command: &str, arguments: &[&str]) -> Program {
    let mut program = Command::new(tools::rclone().unwrap());
    program.arg(command).args(["--config", ""]).args(arguments);
    Program {
        command: program,
        base: |server, bucket| {
            format!(
                ":s3,provider=Other,env_auth,list_version=2,region={REGION},endpoint='{}':{}",
                server.endpoint(),
                bucket.base().trim_start_matches("s3://")
            )
        },
    }
}

impl Program {
    /// What rclone does side by side.
    pub(crate) fn at_once(mut self, at_once: &str) -> Self {
        self.command
            .args(["--checkers", at_once, "--transfers", at_once]);
        self
    }

    pub(crate) fn time(mut self, server: &S3Server, bucket: &Bucket) -> Took {
        self.command
            .arg((self.base)(server, bucket))
            .env("AWS_ENDPOINT_URL", server.endpoint())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .stdout(Stdio::null());
        let before = server.requests().unwrap();
        let begun = Instant::now();
        let mut process = self.command.spawn().unwrap();
        let mut mebibytes = 0;
        let ended = loop {
            mebibytes = peak_mebibytes(process.id()).unwrap_or(mebibytes);
            match process.try_wait().unwrap() {
                Some(ended) => break ended,
                None => std::thread::sleep(LOOKS),
            }
        };
        let time = begun.elapsed();
        assert!(ended.success(), "{:?}: {ended}", self.command);
        let mut requests = server.requests().unwrap();
        for (action, earlier) in before {
            *requests.entry(action).or_default() -= earlier;
        }
        requests.retain(|_, count| *count > 0);
        Took {
            time,
            mebibytes,
            requests,
        }
    }
}

/// As the kernel counts (`VmHWM`), as long as the process is there.
fn peak_mebibytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}
