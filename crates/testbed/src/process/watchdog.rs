use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that tidies up after a test that was killed and could not do so itself.
///
/// It reads from a pipe which only we hold open, so it goes on when we end, however we end. It has a group of its own so
/// that an interrupt from the terminal does not end it first.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// `script` runs with `argument` as `$1` when this process has ended.
    pub(crate) fn start(script: &str, argument: impl AsRef<OsStr>) -> io::Result<Self> {
        let shell = Command::new("sh")
            .args([
                "-c",
                &format!("trap '' TERM; read -r _; {script}"),
                "watchdog",
            ])
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// The process group that the shell leads, and that others may join.
    pub(crate) fn group(&self) -> u32 {
        self.shell.id()
    }

    /// Nothing is left to tidy up.
    pub(crate) fn stop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}
