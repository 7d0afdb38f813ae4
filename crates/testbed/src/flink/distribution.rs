use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::FlinkError;
use crate::cache::{self, Key};
use crate::maven;

/// The Flink releases that run; each is a profile of `tests/flink/pom.xml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlinkVersion {
    V1_18,
    V1_20,
    V2_1,
    V2_3,
}

impl FlinkVersion {
    pub const ALL: [Self; 4] = [Self::V1_18, Self::V1_20, Self::V2_1, Self::V2_3];

    /// The release, as REST's `/config` reports it.
    #[must_use]
    pub fn release(self) -> &'static str {
        match self {
            Self::V1_18 => "1.18.1",
            Self::V1_20 => "1.20.1",
            Self::V2_1 => "2.1.0",
            Self::V2_3 => "2.3.0",
        }
    }

    fn profile(self) -> &'static str {
        match self {
            Self::V1_18 => "flink-1.18",
            Self::V1_20 => "flink-1.20",
            Self::V2_1 => "flink-2.1",
            Self::V2_3 => "flink-2.3",
        }
    }
}

/// A Flink release with [`SequenceJob`](super::SequenceJob) on one class path, ready to start.
#[derive(Debug, Clone)]
pub struct FlinkDistribution {
    version: FlinkVersion,
    directory: PathBuf,
    /// As `plugins/` of Flink's own distribution.
    plugins: Option<PathBuf>,
}

impl FlinkDistribution {
    /// Takes the release from the [cache], or lets Maven build it there: about 130 MB to download the first time.
    pub fn prepare(version: FlinkVersion) -> Result<Self, FlinkError> {
        let module = module_directory();
        let announce = format!(
            "building Flink {} with its test job (Maven; the first time about 130 MB to download, half a minute)",
            version.release()
        );
        let directory =
            cache::artefact("flink", &key(&module, version)?, &announce, |directory| {
                let what = format!("Flink {} with its job", version.release());
                maven::package(&what, &module, Some(version.profile()), directory)
            })?;
        Ok(Self {
            version,
            directory,
            plugins: None,
        })
    }

    /// With what reads and writes `s3://` (`flink-s3-fs-hadoop`): about 30 MB to download the first time.
    pub fn with_s3(self) -> Result<Self, FlinkError> {
        let module = module_directory().join("s3");
        let (profile, release) = (self.version.profile(), self.version.release());
        let key = Key::new().text(profile).file(&module.join("pom.xml"))?;
        let announce = format!("fetching S3 for Flink {release} (Maven; about 30 MB)");
        let plugins = cache::artefact("flink-s3", &key, &announce, |directory| {
            let what = format!("S3 for Flink {release}");
            maven::package(&what, &module, Some(profile), directory)
        })?;
        Ok(Self {
            plugins: Some(plugins),
            ..self
        })
    }

    #[must_use]
    pub fn version(&self) -> FlinkVersion {
        self.version
    }

    /// `java` for processes that live a minute: it starts quickly.
    pub(super) fn java(&self) -> Command {
        let mut command = self.unhurried_java();
        command.args([
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
        ]);
        command
    }

    /// `java` with the class path and what Flink needs opened, as fast as it becomes in time; the caller adds memory and
    /// the class to run.
    pub(super) fn unhurried_java(&self) -> Command {
        let mut command = Command::new(maven::of_jdk("java"));
        command
            .args(OPENED.map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")))
            .arg("-Dorg.slf4j.simpleLogger.showDateTime=true")
            .arg("-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS")
            .arg("-cp")
            .arg(maven::class_path(&self.directory, "sequence-job.jar"));
        if let Some(plugins) = &self.plugins {
            command.env("FLINK_PLUGINS_DIR", plugins);
        }
        command
    }
}

/// As in `env.java.opts.all` of Flink's own distribution.
const OPENED: [&str; 13] = [
    "java.io",
    "java.lang",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
    "sun.net.util",
    "sun.nio.ch",
];

fn module_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/flink")
}

/// What goes in: the version, the POM and every Java source.
fn key(module: &Path, version: FlinkVersion) -> Result<Key, FlinkError> {
    let mut files = vec![module.join("pom.xml")];
    for package in ["loader", "sequence"] {
        let sources = module
            .join("src/main/java/dev/flinkretention")
            .join(package);
        let entries = fs::read_dir(&sources)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(FlinkError::io("list the Java sources in", &sources))?;
        files.extend(entries);
    }
    files.sort();
    let mut key = Key::new().text(version.profile());
    for file in &files {
        key = key.file(file)?;
    }
    Ok(key)
}
