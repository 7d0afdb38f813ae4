//! What a run could not learn, for a person who has to do something about it.

use anyhow::bail;
use retention::evidence::Gap;
use retention::inventory::Listing;
use retention::plan::forgotten;

use super::Exit;
use crate::engine::{Blocked, Report};

/// Fails where a directory could not be listed, and says what else could not be read.
pub(super) fn of(report: &Report) -> anyhow::Result<Exit> {
    for base in &report.inventory.bases {
        if let Listing::Incomplete { why } = &base.listing {
            bail!(
                "{} was not listed to its end, so nothing in it may be judged: {why}",
                base.location
            );
        }
    }
    if let Some(blocked) = report
        .outcome
        .blocked
        .iter()
        .find(|blocked| hinders(blocked))
    {
        bail!("{blocked}");
    }
    let forgotten = forgotten(&report.inventory, &report.baselines);
    let gaps: Vec<&Gap> = report
        .evidence
        .gaps
        .iter()
        .chain(&report.inventory.gaps)
        .chain(&forgotten)
        .collect();
    let Some(first) = gaps.first() else {
        return Ok(Exit::Fine);
    };
    let more = match gaps.len() {
        1 => String::new(),
        count => format!(" (and {} more such places)", count - 1),
    };
    super::exit::complain(&format!(
        "{} cannot be read and protects all that it may name{more}: {}",
        first.what, first.why
    ));
    Ok(Exit::Findings)
}

/// Whether work that was asked for could not be done. A limit is what was asked for.
pub(super) fn hinders(blocked: &Blocked) -> bool {
    match blocked {
        Blocked::LimitReached { .. } => false,
        Blocked::BaseOwnedByAnother { .. }
        | Blocked::JournalUnusable { .. }
        | Blocked::ClockSkew { .. }
        | Blocked::IncompleteListing { .. }
        | Blocked::ReferencedShrank { .. }
        | Blocked::PlanNotFound { .. }
        | Blocked::VerificationTooSlow { .. }
        | Blocked::Cancelled => true,
    }
}
