//! A real Hadoop file system (`NameNode` and two `DataNodes` in one process), on a directory of the test's own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{self, Key};
use crate::control_plane::{self, port, ready};
use crate::maven;
use crate::process::Process;
use crate::scratch::Scratch;

/// Who owns [`HdfsServer::HOME`]. Whoever runs the tests is the superuser.
pub const USER: &str = "flink";
/// The nameservice of a server that is highly available.
pub const NAMESERVICE: &str = "ha";

const SERVER: &str = "HDFS";
const PORTS: usize = 5;

/// A file system that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cache(#[from] cache::Error),
    #[error(transparent)]
    Server(#[from] control_plane::Error),
    #[error("the HDFS server does not do {what}: {why}")]
    Asked { what: String, why: String },
}

/// A running file system. It ends with this value.
#[derive(Debug)]
pub struct HdfsServer {
    process: Option<Process>,
    control: u16,
    name_nodes: Vec<u16>,
    trash: bool,
    scratch: Scratch,
}

impl HdfsServer {
    /// The directory of [`USER`].
    pub const HOME: &str = "/flink";

    /// An empty file system with one `NameNode`.
    pub fn start() -> Result<Self, Error> {
        Self::with(1, true)
    }

    /// The same, which deletes for good what is moved into the trash.
    pub fn start_without_trash() -> Result<Self, Error> {
        Self::with(1, false)
    }

    /// One with two `NameNodes`, of which the first is active: the nameservice [`NAMESERVICE`].
    pub fn start_highly_available() -> Result<Self, Error> {
        Self::with(2, true)
    }

    /// Builds what is started, if nobody has.
    pub fn prepare() -> Result<PathBuf, Error> {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hdfs");
        let source = module.join("src/main/java/dev/flinkretention/hdfs/HdfsServer.java");
        let key = Key::new().file(&module.join("pom.xml"))?.file(&source)?;
        let announce = "building the HDFS server (Maven; the first time about 90 MB to download)";
        let built = cache::artefact("hdfs", &key, announce, |directory| {
            maven::package("the HDFS server", &module, None, directory)
        })?;
        Ok(built)
    }

    fn with(count: usize, trash: bool) -> Result<Self, Error> {
        let scratch = Scratch::new("hdfs-").map_err(control_plane::Error::io("make", "/tmp"))?;
        let mut server = Self {
            process: None,
            control: 0,
            name_nodes: Vec::new(),
            trash,
            scratch,
        };
        let mut tries = 0;
        loop {
            tries += 1;
            server.control = port::free()?;
            server.name_nodes = (0..count).map(|_| port::free()).collect::<Result<_, _>>()?;
            match server.restart() {
                // Somebody was quicker.
                Err(Error::Server(control_plane::Error::PortTaken { .. })) if tries < PORTS => {}
                started => return started.map(|()| server),
            }
        }
    }

    /// `host:port` of the first `NameNode`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.authorities().swap_remove(0)
    }

    /// Of the first `NameNode`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.name_nodes.first().copied().unwrap_or_default()
    }

    /// Those of all of them.
    #[must_use]
    pub fn authorities(&self) -> Vec<String> {
        let authority = |port: &u16| format!("127.0.0.1:{port}");
        self.name_nodes.iter().map(authority).collect()
    }

    /// Writes what a client must know of [`NAMESERVICE`], for `HADOOP_CONF_DIR`, and gives the directory.
    pub fn configuration(&self) -> Result<PathBuf, Error> {
        let directory = self.scratch.path().join("conf");
        let property = |name: &str, value: &str| {
            format!("<property><name>{name}</name><value>{value}</value></property>\n")
        };
        let mut text = property("dfs.nameservices", NAMESERVICE);
        let names: Vec<String> = (0..self.name_nodes.len())
            .map(|number| format!("nn{number}"))
            .collect();
        text += &property(&format!("dfs.ha.namenodes.{NAMESERVICE}"), &names.join(","));
        for (name, authority) in names.iter().zip(self.authorities()) {
            text += &property(
                &format!("dfs.namenode.rpc-address.{NAMESERVICE}.{name}"),
                &authority,
            );
        }
        // Stale answers, if a client takes it at its word.
        text += &property(
            &format!("dfs.client.failover.proxy.provider.{NAMESERVICE}"),
            "org.apache.hadoop.hdfs.server.namenode.ha.ObserverReadProxyProvider",
        );
        let text = format!("<configuration>\n{text}</configuration>\n");
        std::fs::create_dir_all(&directory)
            .and_then(|()| std::fs::write(directory.join("hdfs-site.xml"), text))
            .map_err(control_plane::Error::io("write", &directory))?;
        Ok(directory)
    }

    /// Where the `DataNodes` keep their blocks.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.scratch.path().join("hdfs/data")
    }

    /// Lets the server do something as the superuser that no client of HDFS can, such as
    /// `link?path=/flink/l&to=/flink/x`; see its source.
    pub fn ask(&self, what: &str) -> Result<(), Error> {
        let failed = |why: String| Error::Asked {
            what: what.to_owned(),
            why,
        };
        let url = format!("http://127.0.0.1:{}/{what}", self.control);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let answer = agent.get(&url).call();
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let body = answer.body_mut().read_to_string();
        Err(failed(body.unwrap_or_else(|error| error.to_string())))
    }

    /// Lets all of it hang until [`Self::go_on`]: connections stay, and nobody answers.
    pub fn hang(&mut self) -> Result<(), Error> {
        self.signalled("hang", Process::hang)
    }

    /// Ends [`Self::hang`].
    pub fn go_on(&mut self) -> Result<(), Error> {
        self.signalled("go on", Process::go_on)
    }

    fn signalled(
        &mut self,
        what: &'static str,
        signal: fn(&mut Process) -> io::Result<()>,
    ) -> Result<(), Error> {
        let sent = self.process.as_mut().map_or(Ok(()), signal);
        Ok(sent.map_err(control_plane::Error::io(what, self.scratch.path()))?)
    }

    /// Kills all of it, as a crash would. What was written stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again where it was, after [`Self::kill`].
    pub fn restart(&mut self) -> Result<(), Error> {
        let built = Self::prepare()?;
        let log = self.scratch.path().join("hdfs.log");
        let java = maven::of_jdk("java");
        let mut command = Command::new(&java);
        command
            .current_dir(self.scratch.path())
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"])
            .arg("-XX:-UsePerfData")
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg(format!(
                "-Dfs.trash.interval={}",
                if self.trash { 60 } else { 0 }
            ))
            .arg("-cp")
            .arg(maven::class_path(&built, "hdfs-server.jar"))
            .arg("dev.flinkretention.hdfs.HdfsServer")
            .arg(self.scratch.path().join("hdfs"))
            .arg(self.control.to_string())
            .args(self.name_nodes.iter().map(u16::to_string));
        let missing = |source: io::Error| {
            let why = format!("{source}; install {}", maven::JDK);
            control_plane::Error::io("run", &java)(io::Error::new(source.kind(), why))
        };
        let mut process = Process::spawn(SERVER, &mut command, &log).map_err(missing)?;
        ready::wait(SERVER, &mut process, || {
            self.ask("ready").map_err(|error| error.to_string())
        })?;
        self.process = Some(process);
        Ok(())
    }
}
