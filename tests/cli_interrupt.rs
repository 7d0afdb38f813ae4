//! Ctrl-C while `prune` waits for a store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Nothing here takes a second; the store itself would be given up after minutes.
const PATIENCE: Duration = Duration::from_secs(20);

const LISTING: &str = "<ListBucketResult><Name>flink</Name><Prefix>ckp/</Prefix><Delimiter>/</Delimiter><IsTruncated>false\
     </IsTruncated><Contents><Key>ckp/x</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\
     \"a\"</ETag></Contents></ListBucketResult>";

/// A store that answers one request, and no other. Who asks again is told of.
fn silent_store() -> (String, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (asked, others) = channel();
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_request(&mut first);
        let length = LISTING.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        first.write_all(head.as_bytes()).unwrap();
        first.write_all(LISTING.as_bytes()).unwrap();
        drop(first);
        for other in listener.incoming() {
            let mut other = other.unwrap();
            read_request(&mut other);
            if asked.send(other).is_err() {
                return;
            }
        }
    });
    (endpoint, others)
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
}

/// A process that does not outlive its test.
struct Prune(Child);

impl Drop for Prune {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Prune {
    fn start(endpoint: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_flink-retention"))
            .args(["prune", "--yes", "s3://flink/ckp"])
            .env_clear()
            .env("HOME", "/nowhere")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "us")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn interrupt(&self) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill is missing; install procps").success());
    }

    /// What it says, line by line, to the end of the process.
    fn complaints(&mut self) -> Receiver<String> {
        let stderr = BufReader::new(self.0.stderr.take().unwrap());
        let (said, lines) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        lines
    }
}

#[test]
fn the_second_interrupt_ends_what_the_first_one_asks_to_end() {
    let (endpoint, others) = silent_store();
    let mut prune = Prune::start(&endpoint);
    let complaints = prune.complaints();
    // Then it is at work, and waits for an answer that never comes.
    let _unanswered = others.recv_timeout(PATIENCE).unwrap();

    prune.interrupt();
    let told = complaints.recv_timeout(PATIENCE).unwrap();
    assert!(told.contains("once more"), "{told}");

    prune.interrupt();
    let over = complaints.recv_timeout(PATIENCE);
    assert_eq!(
        over,
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected),
        "it goes on"
    );
    let status = prune.0.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}
