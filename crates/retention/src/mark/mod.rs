//! What lasts between runs: marks, and the highest values ever seen. Never a plan to resume.

mod baselines;
mod next;
mod record;
mod referrer;

pub use baselines::Baselines;
pub use next::next;
pub use record::{CounterMark, Mark, MarkKind, Marks, Witness};
pub use referrer::Referrer;
