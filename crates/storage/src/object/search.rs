use std::sync::{Arc, Mutex, PoisonError};

use reqsign_core::Result;

use super::Secret;

/// What came of looking for credentials the last time. The client takes an error for nothing found.
#[derive(Debug, Clone, Default)]
pub(super) struct LastSearch(Arc<Mutex<Outcome>>);

#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Why none were found, if more is known than that.
    pub(super) why_none: Option<WhyNone>,
    /// What must not appear in any message.
    pub(super) secrets: Vec<Secret>,
}

#[derive(Debug, Clone)]
pub(super) struct WhyNone {
    pub(super) text: String,
    /// Nothing is wrong with the credentials, as far as is known.
    pub(super) is_momentary: bool,
}

impl LastSearch {
    pub(super) fn outcome(&self) -> Outcome {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note<Credential>(
        &self,
        found: &Result<Option<Credential>>,
        secrets: impl FnOnce(&Credential) -> Vec<Secret>,
    ) {
        let credential = found.as_ref().ok().and_then(Option::as_ref);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Outcome {
            why_none: found.as_ref().err().map(|why| WhyNone {
                text: why.to_string(),
                is_momentary: why.is_retryable(),
            }),
            secrets: credential.map(secrets).unwrap_or_default(),
        };
    }
}
