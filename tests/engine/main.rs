//! Runs of the engine over a store in memory, with a clock and evidence that the test sets.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod adoption;
mod alone;
mod approval;
mod clocks;
mod crashes;
mod doubt;
mod epochs;
mod forgotten;
mod former;
mod hung_volume;
mod meanwhile;
mod nested;
mod ownership;
mod pace;
mod replaced;
mod review;
mod running;
mod scope;
mod side_by_side;
mod takeover;
mod terminal;
mod world;
