//! A little unevenness, so that processes and loops do not all come at the same moment. Nothing rests on it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// From 0 up to 1, different in every process and at every moment.
#[must_use]
pub(super) fn fraction(name: &str, moment: impl Hash) -> f64 {
    let mut hasher = RandomState::new().build_hasher();
    name.hash(&mut hasher);
    moment.hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
