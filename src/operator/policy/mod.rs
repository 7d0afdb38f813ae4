//! What a policy means here and now: pure functions from objects to a judgement, and from that to a status.

mod adoption;
mod core_rules;
mod hdfs;
mod judgement;
mod obstacle;
mod overlap;
mod quoted;
mod row;
mod status;

pub(super) use adoption::adoptions;
pub(super) use core_rules::core_policy;
pub(super) use judgement::{Judgement, Obstacle, Restraint, Surroundings, judge};
pub(super) use obstacle::{sentence, word};
pub(super) use overlap::Rival;
pub(super) use row::{row, unreadable_row};
pub(super) use status::{Facts, changed, overlap_sentence, status};
