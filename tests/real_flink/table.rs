//! The scenes that were played, one row each.

use std::fmt;

use testbed::flink::ClaimMode;

use crate::plot::{Outcome, WhileItRan};
use crate::scene::Scene;

pub(crate) const HEAD: &str = "| Flink | state | trouble | kB before | garbage | while it ran | at the end | kB after | restored | looks | s |
|---|---|---|--:|--:|---|---|--:|---|--:|--:|";

pub(crate) struct Row<'a>(pub(crate) Scene, pub(crate) &'a Outcome);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scene, outcome) = self;
        let while_it_ran = match outcome.while_it_ran {
            WhileItRan::Gone(_) if outcome.garbage_before == 0 => "none".to_owned(),
            WhileItRan::Gone(share) => percent(share),
            WhileItRan::KeptBy(guard) => format!("kept: `{guard}`"),
        };
        let at_the_end = match outcome.kept_by {
            None => percent(outcome.share_gone),
            Some(guard) => format!("{}, rest kept: `{guard}`", percent(outcome.share_gone)),
        };
        let restored: Vec<&str> = outcome
            .restored
            .iter()
            .map(|mode| ClaimMode::name(*mode))
            .collect();
        write!(
            f,
            "| {} | {} | {} | {} | {} | {while_it_ran} | {at_the_end} | {} | {} | {} | {} |",
            scene.version.release(),
            scene.backend.name(),
            scene.trouble(),
            outcome.before / 1000,
            outcome.garbage_before / 1000,
            outcome.after / 1000,
            restored.join(", "),
            outcome.looks,
            outcome.took.as_secs(),
        )
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} % gone", share * 100.0)
}
