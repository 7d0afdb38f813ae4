use cap::Cap;
use std::alloc::System;

/// What is needed before the first byte of an input: runtimes, stores, tables.
const ALLOWANCE: usize = 32 * 1024 * 1024;
/// For each byte of an input: a digit in JSON becomes a value of a tree and its text.
const FOR_EACH_BYTE: usize = 1024;

/// Refuses memory that is out of all proportion to an input. The process then ends, which is a finding.
pub type Memory = Cap<System>;

/// No bound yet.
#[must_use]
pub const fn memory() -> Memory {
    Cap::new(System, usize::MAX)
}

/// Runs a target within its bound.
pub fn bounded(memory: &Memory, bytes: &[u8], target: fn(&[u8])) {
    let bound = memory.allocated() + ALLOWANCE + FOR_EACH_BYTE * bytes.len();
    let _unbound = Bound::set(memory, bound);
    target(bytes);
}

/// Ends with the target, also with one that panics.
struct Bound<'a>(&'a Memory);

impl<'a> Bound<'a> {
    fn set(memory: &'a Memory, bound: usize) -> Self {
        set(memory, bound);
        Self(memory)
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        set(self.0, usize::MAX);
    }
}

fn set(memory: &Memory, bound: usize) {
    // Refused only below what is in use already.
    assert!(memory.set_limit(bound).is_ok(), "a bound of {bound} bytes");
}
