//! Which step of a run takes the time and the memory.

use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use flink_retention::engine::{Progress, Step};

pub(crate) const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// In bytes, as the kernel counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    /// Since the process began.
    pub(crate) at_most: f64,
}

pub(crate) fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let bytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kilobytes = line.split_whitespace().nth(1).unwrap();
        kilobytes.parse::<f64>().unwrap() * 1024.0
    };
    Memory {
        now: bytes("VmRSS:"),
        at_most: bytes("VmHWM:"),
    }
}

/// When each step began, and with how much memory.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<Vec<(Step, Instant, Memory)>>);

impl Progress for Steps {
    fn step(&self, step: Step) {
        let begun = (step, Instant::now(), memory());
        self.0.lock().unwrap().push(begun);
    }

    fn advance(&self, _: u64) {}
}

/// The last step has the plan and its summary in it.
impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.lock().unwrap();
        let ends = steps.iter().skip(1).map(|&(_, at, memory)| (at, memory));
        let ends = ends.chain([(Instant::now(), memory())]);
        for ((step, begun, _), (ended, memory)) in steps.iter().zip(ends) {
            let took = ended.duration_since(*begun).as_secs_f64();
            write!(f, "{step} {took:.1} s, {:.0} MiB; ", memory.now / MEBIBYTE)?;
        }
        Ok(())
    }
}
