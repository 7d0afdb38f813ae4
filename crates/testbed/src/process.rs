//! A server process that cannot outlive the test that started it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How often a process is asked whether it ended: the standard library has no way to wait with a limit.
const POLL: Duration = Duration::from_millis(10);

/// A process and all its children, in a group of their own. They are killed when this value is dropped, and by a
/// watching shell when the test itself dies without dropping anything.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `command`; what it prints is appended to the file `log`.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> io::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = start(command, &output)?;
        let watchdog = match watch(child.id()) {
            Ok(watchdog) => watchdog,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        Ok(Self {
            name: name.to_owned(),
            log: log.to_owned(),
            child,
            watchdog,
        })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file with what the process printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, or `None` while it runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for the process to end by itself; `None` when it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() >= deadline {
                return Ok(ended);
            }
            thread::sleep(POLL);
        }
    }

    /// Asks the process group to stop (SIGTERM); follow with [`Self::wait`].
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Kills the process group (SIGKILL) and waits for its end, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    /// Lets the process run on when the test or demo ends. The caller says how to stop it.
    #[must_use]
    pub fn leave_running(mut self) -> u32 {
        stop_watching(&mut self.watchdog);
        let id = self.child.id();
        std::mem::forget(self);
        id
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match group(self.child.id()) {
            Some(group) => Ok(kill_process_group(group, signal)?),
            None => Ok(()),
        }
    }

    /// The watchdog goes first: once the process is reaped its number may belong to another one.
    fn end(&mut self) {
        stop_watching(&mut self.watchdog);
        let _ = self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(command: &mut Command, output: &File) -> io::Result<Child> {
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()
}

/// A shell that reads from a pipe which only we hold open: it ends with us, however we end. It has a group of its own so
/// that an interrupt from the terminal does not end it first.
fn watch(process: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", r#"read -r _; kill -KILL -- "-$1""#, "watchdog"])
        .arg(process.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

fn stop_watching(watchdog: &mut Child) {
    let _ = watchdog.kill();
    let _ = watchdog.wait();
}

fn group(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
