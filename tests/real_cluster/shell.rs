//! Commands as a person types them, in the directory of the repository.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use testbed::tools;

/// Far more than anything takes, on the slowest machine; a test that waits so long has failed.
const LIMIT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(300);

/// A shell with `kubectl` and `helm` that know one cluster, and nothing of the machine's own settings.
pub(crate) struct Shell {
    kubeconfig: OsString,
    path: OsString,
    home: TempDir,
}

impl Shell {
    pub(crate) fn new(kubeconfig: &Path) -> Self {
        let mut path = OsString::new();
        for program in [tools::kubectl().unwrap(), tools::helm().unwrap()] {
            path.push(program.parent().unwrap());
            path.push(":");
        }
        path.push(std::env::var_os("PATH").unwrap());
        Self {
            kubeconfig: kubeconfig.into(),
            path,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// What a command printed; it must succeed.
    pub(crate) fn run(&self, line: &str) -> String {
        self.attempt(line)
            .unwrap_or_else(|error| panic!("`{line}`: {error}"))
    }

    /// What it printed to standard output, or to both if it failed.
    pub(crate) fn attempt(&self, line: &str) -> Result<String, String> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(line).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if status.success() {
            Ok(text(&stdout))
        } else {
            Err(format!("{status}\n{}{}", text(&stdout), text(&stderr)))
        }
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --output=json"))).unwrap()
    }

    /// Applies a manifest.
    pub(crate) fn apply(&self, manifest: &str) {
        let file = self.write("manifest.yaml", manifest);
        self.run(&format!("kubectl apply -f {file}"));
    }

    /// Writes a file, and gives its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let file = self.home().join(name);
        std::fs::write(&file, content).unwrap();
        file.display().to_string()
    }

    /// A directory for what commands read and write.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path)
            .env("HOME", self.home.path())
            .env_remove("XDG_CACHE_HOME");
        command
    }
}

/// Asks again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(_) if Instant::now() < deadline => thread::sleep(POLL),
            Err(last) => panic!("waited {} s for {what}: {last}", LIMIT.as_secs()),
        }
    }
}
