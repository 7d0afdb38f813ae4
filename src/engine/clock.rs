use jiff::Timestamp;
use std::fmt::Debug;

/// The time, passed in.
pub trait Clock: Send + Sync + Debug {
    fn now(&self) -> Timestamp;
}

/// The time of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
