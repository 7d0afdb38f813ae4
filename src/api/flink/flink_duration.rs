//! Flink's own way to write a length of time: `10 min`, `PT10M`, `600000`.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a duration of Flink's configuration (`TimeUtils.parseDuration`): a number with a unit, a bare number of
/// milliseconds, or ISO 8601. `None` if it is none of these, is negative, or does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.starts_with(['P', 'p', '-', '+']) {
        let duration: SignedDuration = text.to_ascii_uppercase().parse().ok()?;
        return Duration::try_from(duration).ok();
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = |seconds_each: u64| number.checked_mul(seconds_each).map(Duration::from_secs);
    match unit.trim().to_ascii_lowercase().as_str() {
        "d" | "day" | "days" => seconds(86_400),
        "h" | "hour" | "hours" => seconds(3_600),
        "m" | "min" | "minute" | "minutes" => seconds(60),
        "s" | "sec" | "secs" | "second" | "seconds" => seconds(1),
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => {
            Some(Duration::from_millis(number))
        }
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => {
            Some(Duration::from_micros(number))
        }
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => {
            Some(Duration::from_nanos(number))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_way_that_flink_reads() {
        for text in [
            "10 min",
            "10min",
            "10 m",
            "10 MINUTES",
            "PT10M",
            "pt10m",
            "600000",
            "600000 ms",
            " 600 s ",
            "600sec",
        ] {
            assert_eq!(parse(text), Some(Duration::from_mins(10)), "{text}");
        }
        assert_eq!(parse("1 d"), Some(Duration::from_hours(24)));
        assert_eq!(parse("PT0.5S"), Some(Duration::from_millis(500)));
        assert_eq!(parse("7 µs"), Some(Duration::from_micros(7)));
        assert_eq!(parse("0"), Some(Duration::ZERO));
    }

    #[test]
    fn the_rest_is_unknown() {
        for text in [
            "",
            "min",
            "1.5 h",
            "-5 s",
            "10 fortnights",
            "P1Y",
            "99999999999999999999 ms",
            "18446744073709551615 d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
