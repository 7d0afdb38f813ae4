use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Error, failed};

/// Names an artefact by everything that went into it.
#[derive(Clone, Debug, Default)]
pub struct Key {
    ingredients: Sha256,
}

impl Key {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part of the recipe: a version, a command line, the target platform.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.add(text.as_bytes());
        self
    }

    /// Adds the content of a file (not its name, so that a clone elsewhere shares the artefact).
    pub fn file(mut self, path: &Path) -> Result<Self, Error> {
        self.add(&std::fs::read(path).map_err(failed("read", path))?);
        Ok(self)
    }

    /// Length first: two ingredients must not be mistaken for one.
    fn add(&mut self, bytes: &[u8]) {
        self.ingredients.update((bytes.len() as u64).to_be_bytes());
        self.ingredients.update(bytes);
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.ingredients.clone().finalize();
        digest
            .iter()
            .take(8)
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}
