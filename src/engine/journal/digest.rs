use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::str::FromStr;

const PREFIX: &str = "sha256:";
const DIGITS: usize = 64;

/// The name of one plan: `sha256:` and 64 hexadecimal digits of exactly what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanDigest(String);

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no digest of a plan: copy `sha256:` and 64 hexadecimal digits from status.plan.digest"
)]
pub struct InvalidDigest(pub String);

impl PlanDigest {
    pub(super) fn of(lines: impl IntoIterator<Item = String>) -> Self {
        let mut hash = Sha256::new();
        for line in lines {
            hash.update(line);
        }
        let mut digits = String::with_capacity(DIGITS);
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self(digits)
    }

    /// Without `sha256:`, as in the names of documents.
    #[must_use]
    pub(super) fn hexadecimal(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.strip_prefix(PREFIX)
            .filter(|digits| digits.len() == DIGITS && digits.bytes().all(is_digit))
            .map(|digits| Self(digits.to_owned()))
            .ok_or_else(|| InvalidDigest(text.to_owned()))
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}
