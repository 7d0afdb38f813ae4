//! Whoever meets a guard or a reason finds it in the documentation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retention::guard::Guard;
use retention::keep::{KeepReason, Period};
use retention::owner::OwnerClass;

const DOCUMENT: &str = include_str!("../../../docs/guards.md");

#[test]
fn every_guard_has_a_section_in_the_order_of_the_chain() {
    let sections: Vec<&str> = DOCUMENT.split("\n### ").skip(1).collect();
    let headings: Vec<&str> = sections
        .iter()
        .map(|section| section.lines().next().unwrap())
        .collect();
    let guards: Vec<&str> = Guard::ALL.iter().map(|guard| guard.as_str()).collect();
    assert_eq!(headings, guards);
    for section in sections {
        for part in ["**Keeps** ", "**What to do:** "] {
            assert!(section.contains(part), "no {part:?} in {section}");
        }
    }
}

#[test]
fn every_reason_to_keep_a_snapshot_has_a_row() {
    let rows: Vec<&str> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(word, _)| word)
        .collect();
    let words: Vec<&str> = reasons().iter().map(KeepReason::word).collect();
    assert_eq!(rows, words);
}

/// With what the word alone does not say.
#[test]
fn every_reason_is_told_to_people() {
    for reason in reasons() {
        let expected = match &reason {
            KeepReason::NamedBy(_) => "named by ",
            KeepReason::Owner(_) => "its job is running",
            other => other.word(),
        };
        assert_eq!(reason.to_string(), expected);
    }
}

/// One of each.
fn reasons() -> Vec<KeepReason> {
    let mut reasons = vec![KeepReason::NewestRestorable];
    while let Some(next) = after(reasons.last().unwrap()) {
        reasons.push(next);
    }
    reasons
}

/// In the order of the document. A new reason does not compile until it has a place here.
fn after(reason: &KeepReason) -> Option<KeepReason> {
    match reason {
        KeepReason::NewestRestorable => Some(KeepReason::ManagedByFlink),
        KeepReason::ManagedByFlink => Some(KeepReason::NamedBy(String::new())),
        KeepReason::NamedBy(_) => Some(KeepReason::Pinned),
        KeepReason::Pinned => Some(KeepReason::ByHand),
        KeepReason::ByHand => Some(KeepReason::FilesInUse),
        KeepReason::FilesInUse => Some(KeepReason::KeepLast),
        KeepReason::KeepLast => Some(KeepReason::KeepWithin),
        KeepReason::KeepWithin => Some(KeepReason::KeepEach(Period::Hour)),
        KeepReason::KeepEach(Period::Hour) => Some(KeepReason::KeepEach(Period::Day)),
        KeepReason::KeepEach(Period::Day) => Some(KeepReason::KeepEach(Period::Week)),
        KeepReason::KeepEach(Period::Week) => Some(KeepReason::KeepEach(Period::Month)),
        KeepReason::KeepEach(Period::Month) => Some(KeepReason::NoRule),
        KeepReason::NoRule => Some(KeepReason::NotRestorable),
        KeepReason::NotRestorable => Some(KeepReason::Owner(OwnerClass::Running)),
        KeepReason::Owner(_) => Some(KeepReason::DeletedJob),
        KeepReason::DeletedJob => Some(KeepReason::AwaitsSuccessor),
        KeepReason::AwaitsSuccessor => Some(KeepReason::UnusableTime),
        KeepReason::UnusableTime => None,
    }
}
