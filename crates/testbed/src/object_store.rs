//! Real object stores, each on a directory of the test's own: one that speaks S3 (versitygw), one that speaks as Google
//! Cloud Storage does, and one that speaks as Azure Blob Storage does.

mod azure;
mod gcs;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::control_plane::{port, ready};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::scratch::Scratch;
use crate::tools;

pub use crate::control_plane::Error;
pub use azure::AzureServer;
pub use gcs::GcsServer;

/// Keys that no other store knows.
pub const ACCESS_KEY: &str = "test-access";
pub const SECRET_KEY: &str = "test-secret";
pub const REGION: &str = "us-east-1";

/// How many ports are tried.
const PORTS: usize = 5;

/// Where a store keeps its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Until it ends.
    InMemory,
    /// So that they survive a restart.
    OnDisk,
}

/// A running store (versitygw). It ends with this value.
#[derive(Debug)]
pub struct S3Server {
    process: Option<Process>,
    port: u16,
    scratch: Scratch,
}

impl S3Server {
    /// A store without buckets.
    pub fn start() -> Result<Self, Error> {
        let scratch =
            Scratch::new("object-store-").map_err(Error::io("make", Path::new("/tmp")))?;
        let buckets = scratch.path().join("buckets");
        fs::create_dir(&buckets).map_err(Error::io("make", &buckets))?;
        let users = scratch.path().join("users");
        fs::create_dir(&users).map_err(Error::io("make", &users))?;
        let mut server = Self {
            process: None,
            port: 0,
            scratch,
        };
        for _ in 1..PORTS {
            server.port = port::free()?;
            match server.restart() {
                // Somebody was quicker.
                Err(Error::PortTaken { .. }) => {}
                started => return started.map(|()| server),
            }
        }
        server.port = port::free()?;
        server.restart()?;
        Ok(server)
    }

    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same store with the network before it, which is as bad as the caller wants.
    pub fn proxy(&self) -> Result<Proxy, Error> {
        Proxy::before(self.port)
    }

    /// Makes a bucket, which this store keeps as a directory. Only [`ACCESS_KEY`] reaches it.
    pub fn make_bucket(&self, name: &str) -> Result<(), Error> {
        let directory = self.directory(name);
        fs::create_dir(&directory).map_err(Error::io("make", &directory))
    }

    /// Where the store keeps a bucket: an object is the file of its name.
    #[must_use]
    pub fn directory(&self, bucket: &str) -> PathBuf {
        self.scratch.path().join("buckets").join(bucket)
    }

    /// Makes somebody who reaches nothing until a bucket is given to him.
    pub fn make_user(&self, access_key: &str, secret_key: &str) -> Result<(), Error> {
        self.administer(&[
            "create-user",
            "--access",
            access_key,
            "--secret",
            secret_key,
            "--role",
            "user",
        ])
    }

    /// His old secret is worth nothing from now on.
    pub fn change_secret(&self, access_key: &str, secret_key: &str) -> Result<(), Error> {
        let user = ["--access", access_key, "--secret", secret_key];
        self.administer(&[&["update-user"], user.as_slice()].concat())
    }

    /// From now on he reaches the bucket, and nobody else but [`ACCESS_KEY`].
    pub fn give(&self, bucket: &str, access_key: &str) -> Result<(), Error> {
        let whom = ["--bucket", bucket, "--owner", access_key];
        self.administer(&[&["change-bucket-owner"], whom.as_slice()].concat())
    }

    /// How many requests it has answered so far, by the name that it gives them (`s3_ListObjectsV2`).
    pub fn requests(&self) -> Result<BTreeMap<String, u64>, Error> {
        let log = self.access_log();
        let opened = fs::File::open(&log).map_err(Error::io("read", &log))?;
        let mut requests = BTreeMap::new();
        for line in io::BufReader::new(opened).lines() {
            let line = line.map_err(Error::io("read", &log))?;
            let action = line.split(' ').find(|word| word.starts_with("s3_"));
            if let Some(action) = action {
                *requests.entry(action.to_owned()).or_default() += 1;
            }
        }
        Ok(requests)
    }

    fn access_log(&self) -> PathBuf {
        self.scratch.path().join("access.log")
    }

    fn administer(&self, arguments: &[&str]) -> Result<(), Error> {
        let program = tools::versitygw()?;
        let output = Command::new(&program)
            .args(["admin", "--access", ACCESS_KEY, "--secret", SECRET_KEY])
            .args(["--region", REGION, "--endpoint-url", &self.endpoint()])
            .args(arguments)
            .output()
            .map_err(Error::io("run", &program))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::io("be served by", program)(io::Error::other(said)))
    }

    /// Kills the server, as a crash would. The buckets stay.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts the server again where it was, after [`Self::kill`].
    pub fn restart(&mut self) -> Result<(), Error> {
        let program = tools::versitygw()?;
        let mut command = Command::new(&program);
        command
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET_KEY)
            .args(["--region", REGION])
            // A changed secret counts at once.
            .arg("--iam-cache-disable")
            .arg("--iam-dir")
            .arg(self.scratch.path().join("users"))
            .arg("--access-log")
            .arg(self.access_log())
            .args(["--port", &format!("127.0.0.1:{}", self.port)])
            .arg("posix")
            .arg(self.scratch.path().join("buckets"));
        let log = self.scratch.path().join("versitygw.log");
        let mut process =
            Process::spawn("versitygw", &mut command, &log).map_err(Error::io("run", &program))?;
        ready::wait("versitygw", &mut process, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .map(drop)
                .map_err(|error| error.to_string())
        })?;
        self.process = Some(process);
        Ok(())
    }
}
