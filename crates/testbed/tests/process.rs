//! No server and no directory outlives the test that started it, even if that test is killed.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testbed::process::Process;
use testbed::scratch::Scratch;

/// Holds the named pipe open, with a child that does so too, for as long as both live.
const SERVER: &str = r#"exec >"$1"; sleep 600 & sleep 600"#;
const SOON: Duration = Duration::from_mins(2);

#[test]
fn dropping_a_process_ends_its_children_too() {
    let scratch = Scratch::new("testbed-process-").unwrap();
    let pipe = named_pipe(scratch.path());
    let process = start_server(&scratch, &pipe);
    let lifetime = File::open(pipe).unwrap();
    drop(process);
    assert_ends_soon(lifetime);
}

#[test]
fn a_killed_test_leaves_neither_servers_nor_its_directory() {
    let scratch = Scratch::new("testbed-process-").unwrap();
    let pipe = named_pipe(scratch.path());
    let mut test = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "a_test_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env("PIPE", &pipe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lifetime = File::open(&pipe).unwrap();
    let directory = PathBuf::from(fs::read_to_string(pipe.with_extension("directory")).unwrap());
    assert!(directory.is_dir());

    test.kill().unwrap();
    test.wait().unwrap();

    assert_ends_soon(lifetime);
    let deadline = Instant::now() + SOON;
    while directory.exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!directory.exists());
}

/// Run by the test above, in a process of its own.
#[test]
#[ignore = "part of a_killed_test_leaves_neither_servers_nor_its_directory"]
fn a_test_that_is_killed() {
    let pipe = PathBuf::from(env::var_os("PIPE").unwrap());
    let scratch = Scratch::new("testbed-killed-").unwrap();
    let directory = scratch.path().display().to_string();
    fs::write(pipe.with_extension("directory"), directory).unwrap();
    let mut process = start_server(&scratch, &pipe);
    process.wait(SOON * 2).unwrap();
}

fn named_pipe(directory: &Path) -> PathBuf {
    let pipe = directory.join("alive");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    pipe
}

fn start_server(scratch: &Scratch, pipe: &Path) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", SERVER, "server"]).arg(pipe);
    Process::spawn("server", &mut command, &scratch.path().join("server.log")).unwrap()
}

/// The pipe ends when the last process that holds it open does.
fn assert_ends_soon(mut lifetime: File) {
    let started = Instant::now();
    lifetime.read_to_end(&mut Vec::new()).unwrap();
    assert!(
        started.elapsed() < SOON,
        "ended after {:?}",
        started.elapsed()
    );
}
