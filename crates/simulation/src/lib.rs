//! A model of Flink, interleaved with the real engine at every await point.
//!
//! One number decides a whole history: what the jobs do, what fails, when the operator runs and where it is killed. The
//! model knows what every restore and every live task would read, and judges each deletion at the moment it happens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod choices;
mod evidence;
mod flink;
mod history;
mod needs;
mod operator;
mod recall;
mod seam;
mod shrink;
mod turn;
mod world;

pub use history::{History, Violation, simulate, tell};
pub use recall::{Freed, Recall};
pub use shrink::shortest;
