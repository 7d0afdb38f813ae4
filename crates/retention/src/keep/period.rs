use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A stretch of the calendar, as people count it where they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    Hour,
    Day,
    /// From Monday, as ISO 8601 counts.
    Week,
    Month,
}

impl Period {
    /// A number that all times of one period share, and no other period of this length.
    pub(super) fn of(self, time: Timestamp, zone: &TimeZone) -> (i16, i16, i8) {
        let local = time.to_zoned(zone.clone());
        match self {
            Self::Hour => (local.year(), local.day_of_year(), local.hour()),
            Self::Day => (local.year(), local.day_of_year(), 0),
            Self::Week => {
                let week = local.date().iso_week_date();
                (week.year(), i16::from(week.week()), 0)
            }
            Self::Month => (local.year(), i16::from(local.month()), 0),
        }
    }

    #[must_use]
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hour => "keep-hourly",
            Self::Day => "keep-daily",
            Self::Week => "keep-weekly",
            Self::Month => "keep-monthly",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::same_hour(Period::Hour, "2026-03-01T10:00:00Z", "2026-03-01T10:59:59Z", true)]
    #[case::next_hour(Period::Hour, "2026-03-01T10:59:59Z", "2026-03-01T11:00:00Z", false)]
    #[case::same_hour_of_another_day(
        Period::Hour,
        "2026-03-01T10:00:00Z",
        "2026-03-02T10:00:00Z",
        false
    )]
    #[case::same_day(Period::Day, "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", true)]
    #[case::next_day(Period::Day, "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", false)]
    #[case::same_day_of_another_year(
        Period::Day,
        "2025-03-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
        false
    )]
    #[case::a_week_begins_on_monday(
        Period::Week,
        "2026-11-15T23:59:59Z",
        "2026-11-16T00:00:00Z",
        false
    )]
    #[case::a_week_goes_to_sunday(
        Period::Week,
        "2026-11-16T00:00:00Z",
        "2026-11-22T23:59:59Z",
        true
    )]
    #[case::a_week_across_new_year(
        Period::Week,
        "2026-12-31T00:00:00Z",
        "2027-01-01T00:00:00Z",
        true
    )]
    #[case::same_month(Period::Month, "2026-03-01T00:00:00Z", "2026-03-31T23:59:59Z", true)]
    #[case::next_month(Period::Month, "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z", false)]
    fn periods_are_those_of_the_calendar(
        #[case] period: Period,
        #[case] one: &str,
        #[case] other: &str,
        #[case] same: bool,
    ) {
        let of = |text: &str| period.of(text.parse().unwrap(), &TimeZone::UTC);
        assert_eq!(of(one) == of(other), same);
    }

    #[test]
    fn a_day_begins_where_people_live() {
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let of = |text: &str| Period::Day.of(text.parse().unwrap(), &zone);
        assert_eq!(of("2026-03-01T16:00:00Z"), of("2026-03-02T14:59:59Z"));
        assert_ne!(of("2026-03-02T14:59:59Z"), of("2026-03-02T15:00:00Z"));
    }
}
