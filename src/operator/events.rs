//! Events of `events.k8s.io`, on transitions only: what is said at every look is status, not news.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::api::Reason;

/// The API server takes no longer note.
const MAX_NOTE: usize = 1024;

/// Tells people what has happened, in the place where they look first.
#[derive(Clone)]
pub(super) struct Events {
    recorder: Recorder,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) warning: bool,
    pub(super) reason: Reason,
    pub(super) note: String,
}

impl Events {
    #[must_use]
    pub(super) fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter {
            controller: "flink-retention".to_owned(),
            instance: Some(instance.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// An event that is lost is a pity and no reason to stop.
    pub(super) async fn tell(&self, about: &ObjectReference, news: News) {
        let News {
            warning,
            reason,
            note,
        } = news;
        let event = Event {
            type_: if warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: reason.as_str().to_owned(),
            note: Some(shortened(note, MAX_NOTE)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(%error, %reason, "could not publish an event");
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// The text, or its beginning with an ellipsis, in at most so many bytes.
pub(super) fn shortened(mut text: String, bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > bytes {
        let end = text.floor_char_boundary(bytes.saturating_sub(ELLIPSIS.len_utf8()));
        text.truncate(end);
        text.push(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("short".to_owned(), 5), "short");
        assert_eq!(shortened("ääääää".to_owned(), 8), "ää…");
    }
}
