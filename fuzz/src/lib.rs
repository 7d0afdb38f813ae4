//! The fuzz targets: bytes that others write, made up.
//!
//! What a target does is in [`boundaries`]. `targets/` gives it to libFuzzer, `tests/` plays it over the corpora and over
//! files made from them.

pub mod boundaries;
mod bounded;

pub use bounded::{Memory, bounded, memory};
