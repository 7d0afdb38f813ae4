//! Java parts of the tests, built by Maven.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// For whoever has none.
pub(crate) const JDK: &str = "a JDK, 17 for choice (Debian: openjdk-17-jdk-headless)";

/// Why something cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot run {tool}: {source}; install {install}, or set {variable}")]
    MissingTool {
        tool: &'static str,
        install: &'static str,
        variable: &'static str,
        source: io::Error,
    },
    #[error("Maven could not build {what}: {output}")]
    Build { what: String, output: String },
}

/// Builds the module into `directory`: its archive, and in `lib` what that needs.
pub(crate) fn package(
    what: &str,
    module: &Path,
    profile: Option<&str>,
    directory: &Path,
) -> Result<(), Error> {
    require_compiler()?;
    let mut command = Command::new("mvn");
    command.args(["--quiet", "--batch-mode"]);
    if let Some(profile) = profile {
        command.args(["--activate-profiles", profile]);
    }
    let output = command
        .arg("package")
        .arg(format!("-Doutput={}", directory.display()))
        .current_dir(module)
        .output()
        .map_err(|source| Error::MissingTool {
            tool: "mvn",
            install: "Maven 3.8 or later (Debian: maven)",
            variable: "PATH",
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Build {
        what: what.to_owned(),
        output: String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    })
}

/// The class path of what was built into `directory`.
pub(crate) fn class_path(directory: &Path, archive: &str) -> OsString {
    let mut path = directory.join(archive).into_os_string();
    path.push(":");
    path.push(directory.join("lib/*"));
    path
}

pub(crate) fn of_jdk(program: &str) -> PathBuf {
    match env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home).join("bin").join(program),
        None => PathBuf::from(program),
    }
}

/// Maven without a JDK says much, but not what to install.
fn require_compiler() -> Result<(), Error> {
    let found = Command::new(of_jdk("javac")).arg("-version").output();
    found.map(drop).map_err(|source| Error::MissingTool {
        tool: "javac",
        install: JDK,
        variable: "JAVA_HOME",
        source,
    })
}
