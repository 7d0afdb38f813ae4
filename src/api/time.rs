//! Instants as the Kubernetes API carries them.

use jiff::{Timestamp, Unit};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The instant cut to whole seconds, as the API server stores it: what we wrote equals what we read back, and an
/// unchanged status is seen as unchanged.
#[must_use]
pub fn whole_seconds(instant: Timestamp) -> Time {
    let seconds = instant.round(
        jiff::TimestampRound::new()
            .smallest(Unit::Second)
            .mode(jiff::RoundMode::Floor),
    );
    Time(seconds.unwrap_or(instant))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_is_written_equals_what_is_read_back() {
        let written = whole_seconds("2026-11-21T06:19:40.987654321Z".parse().unwrap());
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(text, "\"2026-11-21T06:19:40Z\"");
        assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), written);
    }
}
