//! The commands of `flink-retention`, one file each.

pub mod crds;
