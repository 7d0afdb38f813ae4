use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;

/// The command line, with a cache of its own: nothing is read from or written to the home directory.
#[derive(Debug)]
pub(super) struct Kubectl {
    pub program: PathBuf,
    pub cache: PathBuf,
}

impl Kubectl {
    /// Gives what was printed to standard output, or the last words on standard error.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        kubeconfig: &Path,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Result<String, Error> {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let failed = Error::io("run", &self.program);
        let output = Command::new(&self.program)
            .args(&arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", &self.cache)
            .env("HOME", &self.cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .and_then(|mut child| {
                if let Some(mut stdin) = child.stdin.take() {
                    // A kubectl that reads no input closes the pipe; what went wrong it says itself.
                    let _ = stdin.write_all(input.as_bytes());
                }
                child.wait_with_output()
            })
            .map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Kubectl {
            arguments: arguments
                .join(OsStr::new(" "))
                .to_string_lossy()
                .into_owned(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}
