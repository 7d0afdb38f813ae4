//! A server process that cannot outlive the test that started it.

mod watchdog;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

pub(crate) use watchdog::Watchdog;

/// How often a process is asked whether it ended: the standard library has no way to wait with a limit.
const POLL: Duration = Duration::from_millis(10);

/// A process and all its children, in a group of their own. They are killed when this value is dropped, and by a
/// watching shell when the test itself dies without dropping anything.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    watchdog: Watchdog,
    group: i32,
}

impl Process {
    /// Starts `command`; what it prints is appended to the file `log`.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> io::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        // First, and the process joins its group: there is no moment in which a killed test would leave it behind.
        let watchdog = Watchdog::start("kill -KILL 0", "")?;
        let group = i32::try_from(watchdog.group()).map_err(io::Error::other)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(group)
            .spawn()?;
        Ok(Self {
            name: name.to_owned(),
            log: log.to_owned(),
            child,
            watchdog,
            group,
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

    /// Lets the process hang (SIGSTOP): its connections stay, and nobody answers. Its children go on.
    pub fn hang(&mut self) -> io::Result<()> {
        self.signal_alone(Signal::STOP)
    }

    /// Ends [`Self::hang`].
    pub fn go_on(&mut self) -> io::Result<()> {
        self.signal_alone(Signal::CONT)
    }

    /// Kills the process group (SIGKILL) and waits for its end, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    /// Lets the process run on when the test or demo ends. The caller says how to stop it.
    #[must_use]
    pub fn leave_running(mut self) -> u32 {
        self.watchdog.stop();
        let id = self.child.id();
        std::mem::forget(self);
        id
    }

    /// The number of the group cannot belong to another one as long as the watchdog is not waited for.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        match Pid::from_raw(self.group) {
            Some(group) => Ok(kill_process_group(group, signal)?),
            None => Ok(()),
        }
    }

    /// Not to the watchdog in its group. While it runs, nobody else can have its number.
    fn signal_alone(&mut self, signal: Signal) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        match (self.child.try_wait()?, Pid::from_raw(id)) {
            (None, Some(process)) => Ok(kill_process(process, signal)?),
            (Some(_), _) | (None, None) => Ok(()),
        }
    }

    fn end(&mut self) {
        let _ = self.signal(Signal::KILL);
        let _ = self.child.wait();
        self.watchdog.stop();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
