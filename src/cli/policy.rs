//! The fields of a policy as flags of the same names.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use retention::keep::{KeepRules, SavepointRules};
use retention::layout::{METADATA_FILE, checkpoint_id, is_savepoint_directory};
use retention::policy::{Limits, Margins, Policy};
use retention::reference::DirectoryKey;

use crate::api::{Bytes, Duration};

/// Whoever has a shell on the storage is its administrator, so there are no floors: zero is allowed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArguments {
    /// A younger file is never deleted
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    min_age: Duration,
    /// How long a file must have been marked before it is deleted; 0s marks and deletes in one command
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    grace_period: Duration,
    /// How many checkpoints of each stopped job stay; without --keep-last and --keep-within all of them do
    #[arg(long, value_name = "COUNT")]
    keep_last: Option<u32>,
    /// How long checkpoints of stopped jobs stay
    #[arg(long, value_name = "DURATION")]
    keep_within: Option<Duration>,
    #[command(flatten)]
    savepoints: SavepointArguments,
    /// How long a snapshot whose `_metadata` is cut off or whose files are missing still stays, once its job has made a
    /// newer one that can be restored; without it for ever
    #[arg(long, value_name = "DURATION")]
    unrestorable_expire_after: Option<Duration>,
    /// A snapshot that stays whatever the rules say, as a path; repeatable
    #[arg(long, value_name = "PATH", value_parser = pin)]
    pin: Vec<DirectoryKey>,
    /// The most that one command deletes, such as 100Gi
    #[arg(long, value_name = "BYTES", value_parser = limit)]
    max_bytes_per_run: Option<Bytes>,
    /// How long a later checkpoint must have been complete before a file that it passed over may go
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    settle: Duration,
    /// How far the clocks of Flink, the storage and this machine may be apart
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    clock_skew: Duration,
}

/// Which savepoints stay: those that at least one of these names; without any of them all do.
#[derive(Clone, Debug, clap::Args)]
struct SavepointArguments {
    /// How many savepoints of each job stay; without any --keep-savepoints option all of them do
    #[arg(long, value_name = "COUNT")]
    keep_savepoints_last: Option<u32>,
    /// How long savepoints stay
    #[arg(long, value_name = "DURATION")]
    keep_savepoints_within: Option<Duration>,
    /// Keep the newest savepoint of each of the last so many hours that have one
    #[arg(long, value_name = "COUNT")]
    keep_savepoints_hourly: Option<u32>,
    /// The same for days
    #[arg(long, value_name = "COUNT")]
    keep_savepoints_daily: Option<u32>,
    /// The same for weeks, from Monday
    #[arg(long, value_name = "COUNT")]
    keep_savepoints_weekly: Option<u32>,
    /// The same for months
    #[arg(long, value_name = "COUNT")]
    keep_savepoints_monthly: Option<u32>,
    /// Where hours, days, weeks and months begin, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "Etc/UTC", value_parser = zone)]
    time_zone: TimeZone,
}

impl SavepointArguments {
    fn rules(&self) -> Option<SavepointRules> {
        let Self {
            keep_savepoints_last,
            keep_savepoints_within,
            keep_savepoints_hourly,
            keep_savepoints_daily,
            keep_savepoints_weekly,
            keep_savepoints_monthly,
            time_zone,
        } = self;
        let rules = SavepointRules {
            keep: KeepRules {
                keep_last: *keep_savepoints_last,
                keep_within: keep_savepoints_within.map(signed),
            },
            keep_hourly: *keep_savepoints_hourly,
            keep_daily: *keep_savepoints_daily,
            keep_weekly: *keep_savepoints_weekly,
            keep_monthly: *keep_savepoints_monthly,
            time_zone: time_zone.clone(),
        };
        let none = SavepointRules {
            time_zone: time_zone.clone(),
            ..SavepointRules::default()
        };
        (rules != none).then_some(rules)
    }
}

impl PolicyArguments {
    pub(super) fn policy(&self) -> Policy {
        let Self {
            min_age,
            grace_period,
            keep_last,
            keep_within,
            savepoints,
            unrestorable_expire_after,
            pin,
            max_bytes_per_run,
            settle,
            clock_skew,
        } = self;
        let has_rule = keep_last.is_some() || keep_within.is_some();
        Policy {
            checkpoints: has_rule.then(|| KeepRules {
                keep_last: *keep_last,
                keep_within: keep_within.map(signed),
            }),
            // Whose resource was deleted is not known here; --stopped says that a job is over.
            deleted_jobs: None,
            savepoints: savepoints.rules(),
            unrestorable: unrestorable_expire_after.map(signed),
            // --stopped says which of the jobs that nobody knows are over.
            adopt: Vec::new(),
            exclusive: Vec::new(),
            pinned: pin.clone(),
            min_age: signed(*min_age),
            grace_period: signed(*grace_period),
            margins: Margins {
                clock_skew: signed(*clock_skew),
                settle: signed(*settle),
            },
            limits: Limits {
                max_bytes_per_run: max_bytes_per_run.map(Bytes::get),
                // Whoever calls it by hand has seen the plan, and nobody could be asked.
                max_referenced_shrink_percent: None,
            },
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    i64::try_from(duration.as_seconds()).map_or(SignedDuration::MAX, SignedDuration::from_secs)
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .map_err(|_| "it is no time zone; write a name such as Europe/Berlin".to_owned())
}

fn limit(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text
        .parse()
        .map_err(|error: crate::api::quantity::InvalidBytes| error.to_string())?;
    if bytes.get() == 0 {
        return Err("a limit of 0 would never delete anything; leave --yes out instead".to_owned());
    }
    Ok(bytes)
}

fn pin(text: &str) -> Result<DirectoryKey, String> {
    let segments: Vec<&str> = text
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .collect();
    let mut from_the_end = segments.iter().copied().rev().peekable();
    from_the_end.next_if_eq(&METADATA_FILE);
    let name = from_the_end.next().unwrap_or_default();
    let parent = from_the_end.next().filter(|parent| *parent != "..");
    let is_checkpoint = checkpoint_id(name).is_some() && parent.is_some();
    if is_checkpoint || is_savepoint_directory(name) {
        return Ok(DirectoryKey::of(&segments.join("/")));
    }
    Err(
        "it names no snapshot; write <job id>/chk-<number> or the name of a savepoint directory"
            .to_owned(),
    )
}
