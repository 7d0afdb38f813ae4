//! The scenes that were played, one row each.

use std::fmt;

use testbed::flink::ClaimMode;

use crate::plot::{Freed, Outcome};
use crate::scene::Scene;

pub(crate) const HEAD: &str = "| Flink | state | trouble | kB before | garbage | while it ran | at the end | of all | kB after | restored | looks | s |
|---|---|---|--:|--:|---|---|--:|--:|---|--:|--:|";

pub(crate) struct Row<'a>(pub(crate) Scene, pub(crate) &'a Outcome);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scene, outcome) = self;
        let while_it_ran = if outcome.garbage_before == 0 {
            "none".to_owned()
        } else {
            told(&outcome.while_it_ran)
        };
        let restored: Vec<&str> = outcome
            .restored
            .iter()
            .map(|mode| ClaimMode::name(*mode))
            .collect();
        write!(
            f,
            "| {} | {} | {} | {} | {} | {while_it_ran} | {} | {} | {} | {} | {} | {} |",
            scene.version.release(),
            scene.state(),
            scene.trouble(),
            outcome.before / 1000,
            outcome.garbage_before / 1000,
            told(&outcome.at_the_end),
            percent(outcome.of_all),
            outcome.after / 1000,
            restored.join(", "),
            outcome.looks,
            outcome.took.as_secs(),
        )
    }
}

fn told(freed: &Freed) -> String {
    let Freed { share, kept_by } = freed;
    let gone = format!("{} gone", percent(*share));
    if kept_by.is_empty() {
        return gone;
    }
    let guards: Vec<String> = kept_by
        .iter()
        .map(|(guard, bytes)| format!("`{guard}` {} kB", bytes / 1000))
        .collect();
    format!("{gone}; {}", guards.join(", "))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
