//! Bytes and files counted together, by what they are to us.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much: bytes and files. Both are int64, the only integer that the Kubernetes API has for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// Bytes.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub bytes: i64,
    /// Number of files or objects.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub files: i64,
}

impl Amount {
    /// From counts of the engine; what does not fit an int64 is shown as its largest value.
    #[must_use]
    pub fn new(bytes: u64, files: u64) -> Self {
        Self {
            bytes: int64(bytes),
            files: int64(files),
        }
    }
}

/// A count as the Kubernetes API carries it.
#[must_use]
pub fn int64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Stored bytes and files by class. A class is absent while it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageByClass {
    /// Referenced by the latest restorable snapshot or needed by a job that may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Amount>,
    /// Kept by a keep rule, a pin or another root, beyond what is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained: Option<Amount>,
    /// Referenced by no snapshot and needed by no job that may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphaned: Option<Amount>,
    /// The part of `orphaned` that carries a mark and waits for its grace period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Amount>,
    /// Kept because a guard says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<Amount>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn counts_that_do_not_fit_are_shown_as_the_largest() {
        assert_eq!(
            Amount::new(u64::MAX, 3),
            Amount {
                bytes: i64::MAX,
                files: 3
            }
        );
    }
}
