//! The parts of Flink's resources that we read.
