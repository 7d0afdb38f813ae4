//! Scheduled runs have a name for their time: two leaders in a row make one and the same run of it.

use jiff::Timestamp;

const MAX_NAME: usize = 253;
const SECONDS_PER_MINUTE: i64 = 60;

/// `payments-29394505`: the policy and the minutes since 1970.
#[must_use]
pub(in crate::operator) fn run_name(policy: &str, scheduled: Timestamp) -> String {
    let minutes = scheduled.as_second().div_euclid(SECONDS_PER_MINUTE);
    let suffix = format!("-{minutes}");
    let room = policy.floor_char_boundary(MAX_NAME - suffix.len());
    let policy = policy
        .get(..room)
        .unwrap_or(policy)
        .trim_end_matches(['-', '.']);
    format!("{policy}{suffix}")
}

/// The latest time for which one of these runs was made; none if none of them was.
#[must_use]
pub(in crate::operator) fn last_scheduled<'a>(
    policy: &str,
    names: impl IntoIterator<Item = &'a str>,
    now: Timestamp,
) -> Option<Timestamp> {
    let times = names.into_iter().filter_map(|name| {
        let minutes: i64 = name.rsplit_once('-')?.1.parse().ok()?;
        let time = Timestamp::from_second(minutes.checked_mul(SECONDS_PER_MINUTE)?).ok()?;
        // A run that a person named so does not stop the schedule.
        (run_name(policy, time) == name && time <= now).then_some(time)
    });
    times.max()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_tells_its_time() {
        let (time, now) = (at("2026-11-21T06:17:00Z"), at("2026-11-21T06:18:00Z"));
        let name = run_name("payments", time);
        assert_eq!(name, "payments-29920697");
        let names = [name.as_str(), "payments-1", "payments-manual", "other-99"];
        assert_eq!(last_scheduled("payments", names, now), Some(time));
        assert_eq!(
            last_scheduled("payments", ["payments-99999999", "x"], now),
            None
        );
    }

    #[test]
    fn a_long_policy_name_still_gives_a_name() {
        let long = "p".repeat(250);
        let name = run_name(&long, at("2026-11-21T06:17:00Z"));
        assert_eq!(name.len(), 253);
        assert!(last_scheduled(&long, [name.as_str()], at("2026-11-21T06:18:00Z")).is_some());
    }
}
