//! A real object store that speaks S3 (versitygw), on a directory of the test's own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::control_plane::{port, ready};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

pub use crate::control_plane::Error;

/// Keys that no other store knows.
pub const ACCESS_KEY: &str = "test-access";
pub const SECRET_KEY: &str = "test-secret";
pub const REGION: &str = "us-east-1";

/// How many ports are tried.
const PORTS: usize = 5;

/// A running store. It ends with this value.
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

    /// Makes a bucket, which this store keeps as a directory.
    pub fn make_bucket(&self, name: &str) -> Result<(), Error> {
        let directory = self.scratch.path().join("buckets").join(name);
        fs::create_dir(&directory).map_err(Error::io("make", &directory))
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
