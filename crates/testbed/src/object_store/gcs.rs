//! A real server that speaks the JSON API of Google Cloud Storage (fake-gcs-server). It lets in everybody, and ignores
//! conditions when it deletes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use jiff::Timestamp;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use serde_json::{Value, json};

use super::{Keeps, PORTS};
use crate::control_plane::{Error, port, ready};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::scratch::Scratch;
use crate::tools;

/// A running store. It ends with this value. On disk an object is the file of its name; in memory any name can be one of
/// an object.
#[derive(Debug)]
pub struct GcsServer {
    process: Option<Process>,
    port: u16,
    scratch: Scratch,
    keeps: Keeps,
}

impl GcsServer {
    /// A store without buckets.
    pub fn start(keeps: Keeps) -> Result<Self, Error> {
        let scratch = Scratch::new("gcs-store-").map_err(Error::io("make", Path::new("/tmp")))?;
        let buckets = scratch.path().join("buckets");
        fs::create_dir(&buckets).map_err(Error::io("make", &buckets))?;
        let mut server = Self {
            process: None,
            port: 0,
            scratch,
            keeps,
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

    pub fn make_bucket(&self, name: &str) -> Result<(), Error> {
        let url = format!("{}/storage/v1/b?project=test", self.endpoint());
        let body = json!({ "name": name }).to_string();
        ureq::post(&url)
            .header("Content-Type", "application/json")
            .send(body)
            .map(drop)
            .map_err(|error| {
                Error::io("make a bucket at", Path::new(&url))(io::Error::other(error))
            })
    }

    /// Where a store on disk keeps a bucket: an object is the file of its name.
    #[must_use]
    pub fn directory(&self, bucket: &str) -> PathBuf {
        self.scratch.path().join("buckets").join(bucket)
    }

    /// Makes an object of a store on disk look as if it had been written then.
    pub fn set_modified(&self, bucket: &str, name: &str, time: SystemTime) -> Result<(), Error> {
        let path = self.directory(bucket).join(name);
        rewrite_time(&path, time).map_err(Error::io("change the time of", &path))
    }

    /// Kills the server, as a crash would. On disk the buckets stay.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts the server again where it was, after [`Self::kill`].
    pub fn restart(&mut self) -> Result<(), Error> {
        let program = tools::fake_gcs_server()?;
        let mut command = Command::new(&program);
        command
            .args(["-scheme", "http", "-host", "127.0.0.1"])
            .args(["-port", &self.port.to_string()])
            .args(["-external-url", &self.endpoint()])
            .args(["-log-level", "warn"]);
        match self.keeps {
            Keeps::InMemory => command.args(["-backend", "memory"]),
            Keeps::OnDisk => command
                .args(["-backend", "filesystem"])
                .arg("-filesystem-root")
                .arg(self.scratch.path().join("buckets")),
        };
        let log = self.scratch.path().join("fake-gcs-server.log");
        let mut process = Process::spawn("fake-gcs-server", &mut command, &log)
            .map_err(Error::io("run", &program))?;
        let health = format!("{}/_internal/healthcheck", self.endpoint());
        ready::wait("fake-gcs-server", &mut process, || {
            ureq::get(&health)
                .call()
                .map(drop)
                .map_err(|error| error.to_string())
        })?;
        self.process = Some(process);
        Ok(())
    }
}

/// The server keeps what it says of an object beside its contents: in an attribute of the file, or where the file system
/// has none, in a file beside it.
fn rewrite_time(path: &Path, time: SystemTime) -> io::Result<()> {
    const ATTRIBUTE: &str = "user.metadata";
    let mut beside = path.as_os_str().to_owned();
    beside.push(".metadata");
    let beside = PathBuf::from(beside);
    let (said, in_file) = if let Ok(said) = fs::read(&beside) {
        (said, true)
    } else {
        let mut said = vec![0; 64 << 10];
        let length = getxattr(path, ATTRIBUTE, &mut said[..])?;
        said.truncate(length);
        (said, false)
    };
    let mut said: Value = serde_json::from_slice(&said)?;
    let time = Timestamp::try_from(time).map_err(io::Error::other)?;
    for name in ["Created", "Updated"] {
        said[name] = Value::from(time.to_string());
    }
    let said = said.to_string();
    if in_file {
        fs::write(beside, said)
    } else {
        Ok(setxattr(
            path,
            ATTRIBUTE,
            said.as_bytes(),
            XattrFlags::empty(),
        )?)
    }
}
