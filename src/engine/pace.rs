use async_trait::async_trait;
use std::num::NonZeroU32;
use std::time::Duration;
use storage::{Operation, Requests, StorageError};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// What may be made at once after a pause: as many as in this time.
const BURST: Duration = Duration::from_secs(1);

/// Lets so many requests pass in a second, all together; others wait in their order.
///
/// The clock is tokio's, which tests can stop.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    /// When the requests that have passed would be over, had they come one by one.
    busy_until: Mutex<Option<Instant>>,
}

impl Pace {
    #[must_use]
    pub fn new(requests_per_second: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / requests_per_second.get(),
            busy_until: Mutex::default(),
        }
    }
}

#[async_trait]
impl Requests for Pace {
    async fn before(&self, _: Operation) {
        // Held while it waits, so that nobody overtakes.
        let mut busy_until = self.busy_until.lock().await;
        let now = Instant::now();
        let free = busy_until.map_or(now, |until| until.max(now));
        // At a full second of requests ahead the next one waits.
        if let Some(turn) = (free + self.interval)
            .checked_sub(BURST)
            .filter(|turn| *turn > now)
        {
            sleep_until(turn).await;
        }
        *busy_until = Some(free + self.interval);
    }

    fn after(&self, _: Operation, _: Option<&StorageError>) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn pass(pace: &Pace, requests: usize) -> Duration {
        let begun = Instant::now();
        for _ in 0..requests {
            pace.before(Operation::Stat).await;
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_of_requests_passes_at_once_and_then_so_many_in_each() {
        let pace = Pace::new(NonZeroU32::new(100).unwrap());
        assert_eq!(pass(&pace, 100).await, Duration::ZERO);
        assert_eq!(pass(&pace, 250).await, Duration::from_millis(2500));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(
            pass(&pace, 100).await,
            Duration::ZERO,
            "no more than a second is saved up"
        );
        assert_eq!(pass(&pace, 1).await, Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_side_by_side_share_the_rate() {
        let pace = Pace::new(NonZeroU32::new(10).unwrap());
        let begun = Instant::now();
        futures::future::join_all((0..30).map(|_| pace.before(Operation::Read))).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }
}
