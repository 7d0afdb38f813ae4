use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{Builder, Operator};

use super::transport::Transport;

/// Longer than a slow page of a listing takes; a request that hangs is worth another try.
const TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS_AFTER_THE_FIRST: usize = 5;
/// Doubled each time: nine seconds in all, so that a server may restart and a wrong address is told soon.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Speaks with the store through the checks of our own.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Tries again what failed for the moment.
    pub(super) patient: Operator,
    /// Does not. Where contents break off, the patient one goes on in whatever has been written there meanwhile.
    pub(super) once: Operator,
}

impl Client {
    pub(super) fn new(builder: impl Builder, transport: &Transport) -> opendal::Result<Self> {
        let once = Operator::new(builder)?
            .with_context(transport.context())
            // Inside of the retries, so that each attempt has its own.
            .layer(
                TimeoutLayer::new()
                    .with_timeout(TIMEOUT)
                    .with_io_timeout(TIMEOUT),
            );
        let patient = once.clone().layer(
            RetryLayer::new()
                .with_max_times(ATTEMPTS_AFTER_THE_FIRST)
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_jitter(),
        );
        Ok(Self { patient, once })
    }
}

/// How long to wait before each further attempt at what is done as a whole.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    let doubled = std::iter::successors(Some(FIRST_PAUSE), |pause| Some(*pause * 2));
    doubled.take(ATTEMPTS_AFTER_THE_FIRST)
}
