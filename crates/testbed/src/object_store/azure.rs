//! A real server that speaks as Azure Blob Storage does (Azurite), without a hierarchical namespace. It lets nobody in who
//! has no key or signature of an account.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::{Keeps, PORTS};
use crate::control_plane::{Error, port, ready};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::scratch::Scratch;
use crate::tools;

/// A running store with an account. It ends with this value.
#[derive(Debug)]
pub struct AzureServer {
    process: Option<Process>,
    port: u16,
    scratch: Scratch,
    keeps: Keeps,
    key: String,
}

impl AzureServer {
    /// The account that there is.
    pub const ACCOUNT: &str = "teststate";

    /// A store without containers.
    pub fn start(keeps: Keeps) -> Result<Self, Error> {
        let scratch = Scratch::new("azure-store-").map_err(Error::io("make", Path::new("/tmp")))?;
        for directory in ["times", "blobs"] {
            let directory = scratch.path().join(directory);
            fs::create_dir(&directory).map_err(Error::io("make", &directory))?;
        }
        let mut server = Self {
            process: None,
            port: 0,
            scratch,
            keeps,
            key: BASE64_STANDARD.encode("a key of the tests, which no other store knows"),
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

    /// The key of [`Self::ACCOUNT`].
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The old key is worth nothing once the server has been started again.
    pub fn change_key(&mut self, secret: &str) {
        self.key = BASE64_STANDARD.encode(secret);
    }

    /// How Flink names a container.
    #[must_use]
    pub fn authority(container: &str) -> String {
        format!("{container}@{}.dfs.core.windows.net", Self::ACCOUNT)
    }

    pub fn make_container(&self, name: &str) -> Result<(), Error> {
        self.put(name, "restype=container", &[])
    }

    /// An empty request of the protocol, as who may everything: for what a test needs and the storage client does not do.
    pub fn put(&self, path: &str, query: &str, headers: &[(&str, &str)]) -> Result<(), Error> {
        let signature = self.signature("racwdl", Timestamp::now() + Duration::from_mins(10))?;
        let (endpoint, account) = (self.endpoint(), Self::ACCOUNT);
        let url = format!("{endpoint}/{account}/{path}?{query}&{signature}");
        let mut request = ureq::put(&url).header("x-ms-version", VERSION);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send_empty();
        answer
            .map(drop)
            .map_err(|error| Error::io("change", Path::new(path))(io::Error::other(error)))
    }

    /// A shared access signature of the account, which allows this much until then.
    pub fn signature(&self, permissions: &str, until: Timestamp) -> Result<String, Error> {
        let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let signed = format!(
            "{}\n{permissions}\nb\nsco\n\n{until}\n\n\n{VERSION}\n",
            Self::ACCOUNT
        );
        let unusable = |error| Error::io("sign with the key of", Path::new(Self::ACCOUNT))(error);
        let key = BASE64_STANDARD.decode(&self.key);
        let key = key.map_err(io::Error::other).map_err(unusable)?;
        let code = Hmac::<Sha256>::new_from_slice(&key);
        let mut code = code.map_err(io::Error::other).map_err(unusable)?;
        code.update(signed.as_bytes());
        let signature = BASE64_STANDARD.encode(code.finalize().into_bytes());
        let escaped = |text: &str| {
            text.replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
                .replace(':', "%3A")
        };
        Ok(format!(
            "sv={VERSION}&ss=b&srt=sco&sp={permissions}&se={}&sig={}",
            escaped(&until),
            escaped(&signature)
        ))
    }

    /// What is written into the container from now on is of that time; without one it is of now.
    pub fn write_into_as_of(&self, container: &str, time: Option<SystemTime>) -> Result<(), Error> {
        let path = self.scratch.path().join("times").join(container);
        let written = match time {
            Some(time) => Timestamp::try_from(time)
                .map_err(io::Error::other)
                .and_then(|time| fs::write(&path, time.to_string())),
            None => fs::remove_file(&path),
        };
        written.map_err(Error::io("set", &path))
    }

    /// Ends the server, which writes down what it keeps on disk.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let log = process.log().to_owned();
        process
            .terminate()
            .and_then(|()| process.wait(Duration::from_secs(10)))
            .map(drop)
            .map_err(Error::io("end the server of", &log))
    }

    /// Starts the server again where it was, after [`Self::stop`].
    pub fn restart(&mut self) -> Result<(), Error> {
        let script = tools::azurite()?;
        let mut command = Command::new("node");
        command
            .arg(&script)
            .env("TIMES", self.scratch.path().join("times"))
            .env(
                "AZURITE_ACCOUNTS",
                format!("{}:{}", Self::ACCOUNT, self.key),
            )
            .args(["--blobHost", "127.0.0.1", "--blobPort"])
            .arg(self.port.to_string())
            .args(["--silent", "--disableTelemetry", "--disableProductStyleUrl"]);
        match self.keeps {
            Keeps::InMemory => command.arg("--inMemoryPersistence"),
            Keeps::OnDisk => command.arg("--location").arg(self.blobs()),
        };
        let log = self.scratch.path().join("azurite.log");
        let mut process = match Process::spawn("azurite", &mut command, &log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(tools::Error::NodeMissing.into());
            }
            spawned => spawned.map_err(Error::io("run", &script))?,
        };
        let endpoint = self.endpoint();
        ready::wait("azurite", &mut process, || {
            match ureq::get(&endpoint).call() {
                // It answers, although not what was asked for.
                Ok(_) | Err(ureq::Error::StatusCode(_)) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        })?;
        self.process = Some(process);
        Ok(())
    }

    fn blobs(&self) -> PathBuf {
        self.scratch.path().join("blobs")
    }
}

/// Of the protocol.
const VERSION: &str = "2019-12-12";
