//! Parts of objects as people read them.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Resource;

use crate::api::{Amount, StorageByClass};
use crate::cli::output::{count, size};

pub(super) fn name<K: Resource>(object: &K) -> String {
    object.meta().name.clone().unwrap_or_default()
}

pub(super) fn namespace<K: Resource>(object: &K) -> String {
    object.meta().namespace.clone().unwrap_or_default()
}

pub(super) fn condition<'c>(conditions: &'c [Condition], name: &str) -> Option<&'c Condition> {
    conditions.iter().find(|condition| condition.type_ == name)
}

pub(super) fn status_of(conditions: &[Condition], name: &str) -> String {
    condition(conditions, name).map_or_else(String::new, |condition| condition.status.clone())
}

/// `Reason: message`.
pub(super) fn sentence(condition: &Condition) -> String {
    let Condition {
        reason, message, ..
    } = condition;
    if message.is_empty() {
        reason.clone()
    } else {
        format!("{reason}: {message}")
    }
}

pub(super) fn bytes(amount: Option<Amount>) -> u64 {
    amount.map_or(0, |amount| u64::try_from(amount.bytes).unwrap_or(0))
}

pub(super) fn sized(amount: Amount) -> String {
    let Amount { bytes, files } = amount;
    format!(
        "{} in {}",
        size(u64::try_from(bytes).unwrap_or(0)),
        count(u64::try_from(files).unwrap_or(0), "file", "files")
    )
}

/// `live 4.1 MiB, orphaned 3.0 MiB`.
pub(super) fn classes(storage: &StorageByClass) -> String {
    let StorageByClass {
        live,
        retained,
        orphaned,
        marked,
        protected,
    } = *storage;
    let classes = [
        ("live", live),
        ("retained", retained),
        ("orphaned", orphaned),
        ("marked", marked),
        ("protected", protected),
    ];
    let known = classes
        .iter()
        .filter_map(|(word, amount)| Some(format!("{word} {}", size(bytes(Some((*amount)?))))));
    known.collect::<Vec<_>>().join(", ")
}

/// How long ago, as kubectl shows it: one unit, two where that one is small.
pub(super) fn age(time: Option<&Time>, now: Timestamp) -> String {
    time.map_or_else(String::new, |time| short(now.duration_since(time.0)))
}

/// How long until then.
pub(super) fn ahead(time: Option<&Time>, now: Timestamp) -> String {
    time.map_or_else(String::new, |time| short(time.0.duration_since(now)))
}

fn short(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (minutes, hours, days) {
        (..2, _, _) => format!("{seconds}s"),
        (..10, _, _) if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
        (..180, _, _) => format!("{minutes}m"),
        (_, ..8, _) if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        (_, ..48, _) => format!("{hours}h"),
        (_, _, ..8) if hours % 24 != 0 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;
    use jiff::SignedDuration;

    #[test]
    fn ages_are_those_of_kubectl() {
        let ages = [
            3,
            119,
            120,
            125,
            3600,
            3 * 3600 + 60,
            47 * 3600,
            50 * 3600,
            9 * 86400,
        ];
        let shown = ages.map(|seconds| short(SignedDuration::from_secs(seconds)));
        let expected = [
            "3s", "119s", "2m", "2m5s", "60m", "3h1m", "47h", "2d2h", "9d",
        ];
        assert_eq!(shown, expected);
    }
}
