//! Lengths of time as people write them in a policy: `24h`, `7d`, `1w2d`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What the API server accepts, and what [`Duration::from_str`] accepts.
pub const PATTERN: &str = "^([0-9]+(w|d|h|m|s))+$";
/// The longest text, in characters.
pub const MAX_LENGTH: usize = 16;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// Up to here whole hours stay hours, as people say "48 h" but "30 days".
const LONGEST_IN_HOURS: u64 = 3 * DAY;

/// A length of time in whole seconds.
///
/// Every duration of a policy makes the operator keep longer when it grows, so a text that names more seconds than fit
/// is read as [`Duration::MAX`] rather than refused: such a policy keeps for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    seconds: u64,
}

/// The text is not a duration.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{text:?} is not a duration: write for example 24h, 7d or 1w2d (units w, d, h, m, s; at most 16 characters)"
)]
pub struct InvalidDuration {
    /// What was written.
    pub text: String,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { seconds: 0 };
    /// Longer than any clock counts: keep for ever.
    pub const MAX: Self = Self { seconds: u64::MAX };

    /// A duration of this many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// A duration of this many hours.
    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self {
            seconds: hours.saturating_mul(HOUR),
        }
    }

    /// A duration of this many days of 24 hours.
    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self {
            seconds: days.saturating_mul(DAY),
        }
    }

    /// The length in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.seconds
    }

    /// The instant that lies this long before `now`, or the earliest one that can be represented.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Timestamp {
        now.checked_sub(std::time::Duration::from(self))
            .unwrap_or(Timestamp::MIN)
    }

    /// The instant that lies this long after `start`, or the latest one that can be represented.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        start
            .checked_add(std::time::Duration::from(self))
            .unwrap_or(Timestamp::MAX)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_secs(duration.seconds)
    }
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDuration {
            text: text.to_owned(),
        };
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(invalid());
        }
        let mut seconds = 0_u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .ok_or_else(invalid)?;
            let (number, tail) = rest.split_at(digits);
            let mut tail = tail.chars();
            let unit = match tail.next() {
                Some('w') => WEEK,
                Some('d') => DAY,
                Some('h') => HOUR,
                Some('m') => MINUTE,
                Some('s') => 1,
                _ => return Err(invalid()),
            };
            let number: u64 = number.parse().map_err(|_| invalid())?;
            seconds = seconds.saturating_add(number.saturating_mul(unit));
            rest = tail.as_str();
        }
        Ok(Self { seconds })
    }
}

/// Always a text that is taken where it came from: one that would be too long is rounded up, for to keep longer is safe.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = u128::from(self.seconds);
        let mut text = exact(seconds);
        for unit in [MINUTE, HOUR, DAY].map(u128::from) {
            if text.len() > MAX_LENGTH {
                text = exact(seconds.div_ceil(unit) * unit);
            }
        }
        out.write_str(&text)
    }
}

fn exact(seconds: u128) -> String {
    if seconds == 0 {
        return "0s".to_owned();
    }
    let units = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm'), (1, 's')];
    let in_hours = seconds <= LONGEST_IN_HOURS.into() && seconds.is_multiple_of(HOUR.into());
    let largest = if in_hours { HOUR } else { DAY };
    let mut rest = seconds;
    let used = units.into_iter().filter(|(unit, _)| *unit <= largest);
    let parts = used.filter_map(|(unit, name)| {
        let count = rest / u128::from(unit);
        rest %= u128::from(unit);
        (count > 0).then(|| format!("{count}{name}"))
    });
    parts.collect()
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MAX_LENGTH,
            "pattern": PATTERN,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches('{PATTERN}')"),
                "message": "write a duration such as 24h, 7d or 1w2d (units w, d, h, m, s)",
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn seconds(text: &str) -> u64 {
        text.parse::<Duration>().unwrap().as_seconds()
    }

    #[test]
    fn reads_what_people_write() {
        assert_eq!(seconds("24h"), 86_400);
        assert_eq!(seconds("7d"), 604_800);
        assert_eq!(seconds("1w2d"), 9 * 86_400);
        assert_eq!(seconds("1h30m15s"), 5_415);
        assert_eq!(seconds("0s"), 0);
        assert_eq!(seconds("007d"), 604_800);
    }

    #[test]
    fn refuses_the_rest_with_a_sentence() {
        for text in [
            "",
            "7",
            "d",
            "7 d",
            "7D",
            "-7d",
            "1.5h",
            "7d1",
            "7y",
            "١d",
            "11111111111111111s",
        ] {
            let error = text.parse::<Duration>().unwrap_err().to_string();
            assert!(error.contains("write for example 24h"), "{text}: {error}");
        }
    }

    #[test]
    fn writes_hours_up_to_three_days_and_days_beyond() {
        for (text, written) in [
            ("24h", "24h"),
            ("2d", "48h"),
            ("3d", "72h"),
            ("7d", "7d"),
            ("1w2d", "9d"),
            ("30d", "30d"),
            ("4d12h", "4d12h"),
            ("90m", "1h30m"),
            ("1d1s", "1d1s"),
            ("0d", "0s"),
        ] {
            assert_eq!(
                text.parse::<Duration>().unwrap().to_string(),
                written,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for count in [
            0,
            1,
            59,
            60,
            3_599,
            3_600,
            86_399,
            86_400,
            259_200,
            259_201,
            31_536_000,
            315_359_999,
        ] {
            let duration = Duration::from_seconds(count);
            assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }
    }

    #[test]
    fn what_would_be_too_long_is_written_rounded_up() {
        for (text, written) in [
            ("1000000000000s", "11574074d1h47m"),
            ("1157407401d1h1s", "1157407401d1h1s"),
            ("99999999999999s", "1157407407d9h47m"),
            ("999999999999d1s", "999999999999d1s"),
            ("999999999999999d", "213503982334602d"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.to_string(), written, "{text}");
        }
        let most = [u64::MAX, u64::MAX - 1, i64::MAX.unsigned_abs()];
        for seconds in (0..64).map(|bits| (1 << bits) - 1).chain(most) {
            let duration = Duration::from_seconds(seconds);
            let text = duration.to_string();
            assert!(text.len() <= MAX_LENGTH, "{text}");
            assert!(text.parse::<Duration>().unwrap() >= duration, "{text}");
        }
    }

    #[test]
    fn more_than_fits_is_for_ever() {
        let duration: Duration = "999999999999999w".parse().unwrap();
        assert_eq!(duration, Duration::MAX);
        assert_eq!(duration.before(Timestamp::UNIX_EPOCH), Timestamp::MIN);
        assert_eq!(duration.after(Timestamp::UNIX_EPOCH), Timestamp::MAX);
    }

    #[test]
    fn travels_as_text() {
        let duration: Duration = serde_json::from_str("\"1w2d\"").unwrap();
        assert_eq!(serde_json::to_string(&duration).unwrap(), "\"9d\"");
        assert!(serde_json::from_str::<Duration>("\"soon\"").is_err());
    }
}
