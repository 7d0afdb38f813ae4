//! `flink-retention worker` as a process; the test plays the operator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use futures::TryStreamExt;
use storage::{Deletion, Entry, Key, Storage};
use tempfile::TempDir;
use testbed::process::Process;
use tokio::net::TcpListener;
use wire::{Accepted, Connection, OperatorCertificate, Refused, Term, accept};

/// As the Flink pods see it.
const VOLUME: &str = "/opt/flink/volume";
const TOKEN: &str = "token-5d41402abc4b2a76";
/// Far more than anything takes, on the slowest machine.
const LIMIT: Duration = Duration::from_mins(5);

/// An endpoint for workers, a volume with files, and a token.
struct Stage {
    directory: TempDir,
    listener: TcpListener,
    certificate: OperatorCertificate,
}

impl Stage {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("volume/job/shared")).unwrap();
        for number in 0..2000 {
            fs::write(
                directory
                    .path()
                    .join(format!("volume/job/shared/{number:036}")),
                "x",
            )
            .unwrap();
        }
        fs::write(directory.path().join("token"), format!("{TOKEN}\n")).unwrap();
        Self {
            directory,
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            certificate: OperatorCertificate::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, arguments: &[&str]) -> Process {
        self.start_trusting(&self.certificate.pem, arguments)
    }

    fn start_trusting(&self, pem: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flink-retention"));
        command
            .arg("worker")
            .arg(format!(
                "--operator={}",
                self.listener.local_addr().unwrap()
            ))
            .arg(format!("--token-file={}", self.path("token").display()))
            .arg(format!(
                "--mount=file:{VOLUME}={}",
                self.path("volume").display()
            ))
            .args(arguments)
            .env("FLINK_RETENTION_OPERATOR_CERTIFICATE", pem)
            .env("RUST_LOG", "trace");
        Process::spawn("worker", &mut command, &self.path("log")).unwrap()
    }

    /// The next caller, with the token that it shows.
    async fn call(&self, answer: Result<(), Refused>) -> Option<(String, Connection)> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let Accepted { admission, io } = accept(stream, &self.certificate, |token| async {
            answer.map(|()| token)
        })
        .await
        .ok()?;
        let term = Term {
            lease: "lease".to_owned(),
            number: 1,
        };
        Some((admission, Connection::open(io, Some(term)).await.unwrap()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn ended(&self, worker: &mut Process) -> ExitStatus {
        let status = worker.wait(LIMIT).unwrap();
        status.unwrap_or_else(|| panic!("the worker does not end:\n{}", self.log()))
    }
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

fn is_there(volume: &Path, path: &str) -> bool {
    volume.join(path).exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_from_its_mounts_until_the_connection_ends() {
    let stage = Stage::new().await;
    let mut worker = stage.start(&[]);
    let (token, connection) = stage.call(Ok(())).await.unwrap();
    assert_eq!(token, TOKEN);
    assert!(connection.root("/elsewhere").is_none());
    let remote = connection.root(VOLUME).unwrap();
    let listed: Vec<Entry> = remote
        .list_level(&key("job/shared"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 2000);
    let first = &listed[0];
    let deletion = remote
        .delete_if_unchanged(&first.key, &first.version)
        .await
        .unwrap();
    assert_eq!(deletion, Deletion::Deleted);
    assert!(!is_there(&stage.path("volume"), first.key.as_str()));

    // It asks for no other one: the run is over.
    drop(remote);
    drop(connection);
    assert!(stage.ended(&mut worker).success(), "{}", stage.log());
    assert!(!stage.log().contains(TOKEN), "the token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_leaves_errors_and_no_short_listing() {
    let stage = Stage::new().await;
    let worker = stage.start(&["--read-only"]);
    let (_, connection) = stage.call(Ok(())).await.unwrap();
    let remote = connection.root(VOLUME).unwrap();
    let file = key(&format!("job/shared/{:036}", 7));
    let version = remote.stat(&file).await.unwrap().unwrap().version;
    let error = remote
        .delete_if_unchanged(&file, &version)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("only reads"), "{error}");
    let mut listing = remote.list_level(&key("job/shared"));
    listing.try_next().await.unwrap().unwrap();
    worker.kill();
    let error = listing.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    assert_eq!(
        remote.stat(&file).await.unwrap_err().category(),
        "unavailable"
    );
    assert!(is_there(&stage.path("volume"), file.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_never_let_in_fails_and_says_why() {
    let stage = Stage::new().await;
    let mut worker = stage.start(&[]);
    // What may pass is tried again, with the token of by then.
    assert!(stage.call(Err(Refused::Later)).await.is_none());
    assert!(stage.call(Err(Refused::Unauthenticated)).await.is_none());
    assert_eq!(stage.ended(&mut worker).code(), Some(1));
    assert!(stage.log().contains("401"), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_operator_is_silent_ends() {
    let stage = Stage::new().await;
    // The port is open, and nobody answers there.
    let mut worker = stage.start(&["--dial-seconds=1"]);
    assert_eq!(stage.ended(&mut worker).code(), Some(1));
    assert!(stage.log().contains("lets no worker in"), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_ends_when_it_is_told_to_and_shows_nothing_to_strangers() {
    let stage = Stage::new().await;
    let other = OperatorCertificate::new().unwrap();
    let mut worker = stage.start_trusting(&other.pem, &[]);
    assert!(stage.call(Ok(())).await.is_none());
    worker.terminate().unwrap();
    assert!(stage.ended(&mut worker).success(), "{}", stage.log());

    let mut worker = stage.start_trusting("no pem", &[]);
    assert_eq!(stage.ended(&mut worker).code(), Some(1));
    assert!(
        stage.log().contains("certificate is none"),
        "{}",
        stage.log()
    );
}
