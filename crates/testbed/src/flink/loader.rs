use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::{FlinkDistribution, FlinkError, FlinkVersion};

/// Flink 2.3's own loader of `_metadata`, in Java processes of its own, with a clock beside it.
#[derive(Debug, Clone)]
pub struct LoaderClock {
    flink: FlinkDistribution,
}

/// A Java process in which Flink loads one file as often as it is told to: after some times it is warm.
#[derive(Debug)]
pub struct Loader {
    file: PathBuf,
    process: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Where Flink has the bytes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadFrom {
    /// They are in memory already.
    Memory,
    /// As a `JobManager` opens a local file: without a buffer.
    File,
}

impl LoaderClock {
    pub fn prepare() -> Result<Self, FlinkError> {
        let flink = FlinkDistribution::prepare(FlinkVersion::V2_3)?;
        Ok(Self { flink })
    }

    /// Lets Flink write `target`: the operators of the snapshot `source`, again and again under new ids, about
    /// `bytes` of them.
    pub fn grow(&self, source: &Path, target: &Path, bytes: u64) -> Result<(), FlinkError> {
        let ended = self
            .java()
            .arg("grow")
            .args([source, target])
            .arg(bytes.to_string())
            .status()
            .map_err(FlinkError::io("let Flink load", source))?;
        if ended.success() {
            return Ok(());
        }
        Err(failed(source, format!("it ended with {ended}")))
    }

    /// A process that loads `file`.
    pub fn loader(&self, file: &Path) -> Result<Loader, FlinkError> {
        let mut process = self
            .java()
            .arg("time")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(FlinkError::io("let Flink load", file))?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (asked, answers) = pipes.ok_or_else(|| failed(file, "it has no pipes"))?;
        Ok(Loader {
            file: file.to_owned(),
            process,
            asked,
            answers: BufReader::new(answers),
        })
    }

    /// What it logs goes to where our errors go.
    fn java(&self) -> Command {
        let mut java = self.flink.unhurried_java();
        java.args(["-Xmx2g", "dev.flinkretention.loader.LoaderClock"]);
        java
    }
}

impl Loader {
    /// How long it took Flink to load the file once more.
    pub fn load(&mut self, from: LoadFrom) -> Result<Duration, FlinkError> {
        let word = match from {
            LoadFrom::Memory => "memory",
            LoadFrom::File => "file",
        };
        let mut line = String::new();
        writeln!(self.asked, "{word}")
            .and_then(|()| self.answers.read_line(&mut line))
            .map_err(FlinkError::io("let Flink load", &self.file))?;
        match line.trim().parse() {
            Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
            Err(_) => Err(failed(&self.file, format!("it answered '{line}'"))),
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // Whatever it does now, nobody asks for it any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn failed(file: &Path, why: impl Into<String>) -> FlinkError {
    FlinkError::io("let Flink load", file)(io::Error::other(why.into()))
}
