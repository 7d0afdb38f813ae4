//! When the runs of a policy start. Pure: the clock is passed in.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// Time between runs of a policy without a schedule.
const PERIOD: SignedDuration = SignedDuration::from_hours(6);

/// A schedule that was understood.
#[derive(Clone, Debug)]
pub struct Schedule {
    times: Times,
}

#[derive(Clone, Debug)]
enum Times {
    /// Every six hours, so long after the hours 0, 6, 12 and 18 of UTC.
    Default {
        offset: SignedDuration,
    },
    Cron {
        cron: Box<Cron>,
        zone: TimeZone,
    },
}

/// A schedule that says no times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error(
        "spec.schedule: {schedule:?} is no schedule: {why}; write five cron fields, for example `17 */6 * * *`"
    )]
    Cron { schedule: String, why: String },
    #[error(
        "spec.timeZone: {zone:?} is no time zone; write a name such as Europe/Berlin, or leave it out for UTC"
    )]
    TimeZone { zone: String },
    #[error("spec.schedule: {schedule:?} never comes; write a date that exists")]
    Never { schedule: String },
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A run that was to start at this time. Of several that were missed it is the last: one run makes up for all.
    Now {
        scheduled: Timestamp,
        next: Timestamp,
    },
    /// Nothing before this time.
    At { next: Timestamp },
}

impl Schedule {
    /// Reads `spec.schedule` and `spec.timeZone`. `uid` spreads policies without a schedule over the hours.
    pub fn parse(
        schedule: Option<&str>,
        zone: Option<&str>,
        uid: &str,
        now: Timestamp,
    ) -> Result<Self, InvalidSchedule> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| InvalidSchedule::TimeZone {
                zone: name.to_owned(),
            })?,
        };
        let Some(text) = schedule else {
            let offset = offset(uid);
            return Ok(Self {
                times: Times::Default { offset },
            });
        };
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(text)
            .map_err(|error| InvalidSchedule::Cron {
                schedule: text.to_owned(),
                why: error.to_string(),
            })?;
        let schedule = Self {
            times: Times::Cron {
                cron: Box::new(cron),
                zone,
            },
        };
        match schedule.after(now) {
            Some(_) => Ok(schedule),
            None => Err(InvalidSchedule::Never {
                schedule: text.to_owned(),
            }),
        }
    }

    /// Whether a run is due, given the scheduled time of the last one, or since when the policy can have had any.
    #[must_use]
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let next = self.after(now).unwrap_or(Timestamp::MAX);
        match self.not_after(now) {
            Some(scheduled) if scheduled > last => Due::Now { scheduled, next },
            Some(_) | None => Due::At { next },
        }
    }

    /// The first time after this one, if there is any.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Default { offset } => period_start(now, *offset)?.checked_add(PERIOD).ok(),
            Times::Cron { cron, zone } => {
                let next = cron
                    .find_next_occurrence(&now.to_zoned(zone.clone()), false)
                    .ok()?;
                Some(next.timestamp())
            }
        }
    }

    fn not_after(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Default { offset } => period_start(now, *offset),
            Times::Cron { cron, zone } => {
                let last = cron
                    .find_previous_occurrence(&now.to_zoned(zone.clone()), true)
                    .ok()?;
                Some(last.timestamp())
            }
        }
    }
}

/// The last start at or before `now`.
fn period_start(now: Timestamp, offset: SignedDuration) -> Option<Timestamp> {
    let since = now.as_second().checked_sub(offset.as_secs())?;
    let start = since.checked_sub(since.rem_euclid(PERIOD.as_secs()))?;
    Timestamp::from_second(start.checked_add(offset.as_secs())?).ok()
}

fn offset(uid: &str) -> SignedDuration {
    let digest = Sha256::digest(uid.as_bytes());
    let number = digest
        .iter()
        .take(4)
        .fold(0_i64, |number, &byte| number << 8 | i64::from(byte));
    SignedDuration::from_secs(number.rem_euclid(PERIOD.as_secs()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(schedule: &str, zone: Option<&str>) -> Schedule {
        Schedule::parse(Some(schedule), zone, "uid", at("2026-11-21T00:00:00Z")).unwrap()
    }

    #[test]
    fn a_schedule_comes_once_for_each_time() {
        let schedule = cron("17 */6 * * *", None);
        let created = at("2026-11-21T05:00:00Z");
        assert_eq!(
            schedule.due(created, at("2026-11-21T06:16:59Z")),
            Due::At {
                next: at("2026-11-21T06:17:00Z")
            }
        );
        let due = schedule.due(created, at("2026-11-21T06:17:00Z"));
        assert_eq!(
            due,
            Due::Now {
                scheduled: at("2026-11-21T06:17:00Z"),
                next: at("2026-11-21T12:17:00Z")
            }
        );
        assert_eq!(
            schedule.due(at("2026-11-21T06:17:00Z"), at("2026-11-21T06:18:00Z")),
            Due::At {
                next: at("2026-11-21T12:17:00Z")
            }
        );
    }

    #[test]
    fn one_run_makes_up_for_all_that_were_missed() {
        let schedule = cron("0 * * * *", None);
        assert_eq!(
            schedule.due(at("2026-11-20T03:00:00Z"), at("2026-11-21T06:30:00Z")),
            Due::Now {
                scheduled: at("2026-11-21T06:00:00Z"),
                next: at("2026-11-21T07:00:00Z")
            }
        );
    }

    #[test]
    fn times_are_those_of_the_zone_also_when_clocks_change() {
        let schedule = cron("0 3 * * *", Some("Europe/Berlin"));
        let next = |now| match schedule.due(Timestamp::MAX, at(now)) {
            Due::At { next } | Due::Now { scheduled: _, next } => next,
        };
        assert_eq!(next("2026-03-28T12:00:00Z"), at("2026-03-29T01:00:00Z"));
        assert_eq!(next("2026-03-27T12:00:00Z"), at("2026-03-28T02:00:00Z"));
    }

    #[test]
    fn without_a_schedule_it_is_every_six_hours_at_an_offset_of_its_own() {
        let now = at("2026-11-21T05:00:00Z");
        let offsets: std::collections::BTreeSet<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|uid| {
                let schedule = Schedule::parse(None, None, uid, now).unwrap();
                let Due::Now { scheduled, next } = schedule.due(Timestamp::MIN, now) else {
                    panic!("nothing is due")
                };
                assert!(scheduled <= now && now < next);
                assert_eq!(next.duration_since(scheduled), PERIOD);
                assert_eq!(schedule.due(scheduled, now), Due::At { next });
                next
            })
            .collect();
        assert_eq!(offsets.len(), 4);
    }

    #[test]
    fn what_says_no_time_is_refused_with_the_field() {
        let parse = |schedule, zone| {
            Schedule::parse(schedule, zone, "uid", at("2026-11-21T00:00:00Z"))
                .unwrap_err()
                .to_string()
        };
        assert!(parse(Some("17 */6 * *"), None).starts_with("spec.schedule:"));
        assert!(parse(Some("* * * * * *"), None).starts_with("spec.schedule:"));
        assert!(parse(Some("99 * * * *"), None).starts_with("spec.schedule:"));
        assert!(parse(Some("0 0 31 2 *"), None).contains("never comes"));
        assert!(parse(None, Some("Mars/Olympus")).starts_with("spec.timeZone:"));
    }
}
