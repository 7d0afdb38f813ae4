//! Pins that name no snapshot: whoever made a slip of the pen believes that something is kept.

use std::collections::BTreeSet;

use retention::inventory::{Inventory, Snapshot};
use retention::reference::DirectoryKey;

use crate::api::Reason;
use crate::api::conditions::{ConditionStatus, Finding};
use crate::api::retention_run::condition;
use crate::operator::events::shortened;

const NAMED: usize = 5;
const MAX_MESSAGE: usize = 2048;

/// Whether a run has seen everything that its policy pins; none if that pins nothing.
pub(super) fn finding(pins: &[String], inventory: &Inventory) -> Option<Finding> {
    if pins.is_empty() {
        return None;
    }
    let readable = inventory.snapshots.iter().map(Snapshot::directory_key);
    let torn = inventory.unreadable();
    let torn = torn.map(|(_, location)| DirectoryKey::of(location.path()));
    let seen: BTreeSet<DirectoryKey> = readable.chain(torn).collect();
    let lost: Vec<&str> = pins
        .iter()
        .filter(|pin| !seen.contains(&DirectoryKey::of(pin)))
        .map(String::as_str)
        .collect();
    let (status, reason, message) = if lost.is_empty() {
        (ConditionStatus::False, Reason::AllFound, String::new())
    } else {
        let named = lost.iter().copied().take(NAMED).collect::<Vec<_>>();
        let more = match lost.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "no snapshot that could be looked at is {}{more}: check the spelling of savepoints.pinned, for what was meant may go by the rules",
            named.join(", ")
        );
        (ConditionStatus::True, Reason::NoSuchSnapshot, message)
    };
    Some(Finding {
        condition: condition::PIN_NOT_FOUND,
        status,
        reason,
        message: shortened(message, MAX_MESSAGE),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use retention::inventory::{Contents, SnapshotKind, Source};
    use retention::location::{Location, Origin};

    fn inventory(path: &str) -> Inventory {
        let location = Location::parse(path, &Origin::default()).unwrap();
        Inventory {
            snapshots: vec![Snapshot {
                source: Source::Metadata,
                location,
                kind: SnapshotKind::Savepoint,
                checkpoint_id: 6,
                format_version: 4,
                place: None,
                completed: jiff::Timestamp::UNIX_EPOCH,
                references: Vec::new(),
                inline_bytes: 9,
                contents: Contents::default(),
            }],
            ..Inventory::default()
        }
    }

    #[test]
    fn a_pin_with_a_slip_of_the_pen_is_told() {
        let inventory = inventory("file:/v/savepoint-000000-0123456789ab");
        let found = |pins: &[&str]| {
            let pins: Vec<String> = pins.iter().map(|&pin| pin.to_owned()).collect();
            finding(&pins, &inventory)
        };
        assert_eq!(found(&[]), None);
        let right = "s3://elsewhere/savepoint-000000-0123456789ab";
        assert_eq!(found(&[right]).unwrap().status, ConditionStatus::False);
        let wrong = "file:/v/savepoint-000000-0123456789ac";
        let told = found(&[right, wrong]).unwrap();
        assert_eq!(told.status, ConditionStatus::True);
        assert!(told.message.contains(&format!("is {wrong}: check")));
        assert!(!told.message.contains(right), "{}", told.message);
    }
}
