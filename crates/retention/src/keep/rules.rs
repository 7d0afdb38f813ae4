use super::Period;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// How many snapshots stay beyond those that Flink itself still manages: the union of both rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepRules {
    pub keep_last: Option<u32>,
    pub keep_within: Option<SignedDuration>,
}

/// How many savepoints stay: the union of all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointRules {
    pub keep: KeepRules,
    /// The newest of each of the last so many periods that have one.
    pub keep_hourly: Option<u32>,
    pub keep_daily: Option<u32>,
    pub keep_weekly: Option<u32>,
    pub keep_monthly: Option<u32>,
    /// Where days begin.
    pub time_zone: TimeZone,
}

impl SavepointRules {
    /// The number of periods of each length.
    pub(super) fn periods(&self) -> impl Iterator<Item = (Period, u32)> {
        let Self {
            keep: _,
            keep_hourly,
            keep_daily,
            keep_weekly,
            keep_monthly,
            time_zone: _,
        } = self;
        [
            (Period::Hour, keep_hourly),
            (Period::Day, keep_daily),
            (Period::Week, keep_weekly),
            (Period::Month, keep_monthly),
        ]
        .into_iter()
        .filter_map(|(period, count)| Some((period, (*count)?)))
    }
}

impl Default for SavepointRules {
    fn default() -> Self {
        Self {
            keep: KeepRules::default(),
            keep_hourly: None,
            keep_daily: None,
            keep_weekly: None,
            keep_monthly: None,
            time_zone: TimeZone::UTC,
        }
    }
}
