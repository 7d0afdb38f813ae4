//! What the worker itself refuses, whoever asks: changes without a permit, too late, or by who lost the lease.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::message;

/// Which holder of which lease acts. Of two holders of one lease the later one has the higher number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The uid of the lease: one that was made anew counts from the beginning.
    pub lease: String,
    pub number: i64,
}

/// Whether a worker changes anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadAndDelete,
}

/// The worker's memory of who may change something. One for the life of the process, over all its connections.
#[derive(Debug)]
pub struct Fence {
    access: Access,
    began: Instant,
    latest: Mutex<Option<Term>>,
}

/// Why something is not changed, or why nobody is listened to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this worker only reads")]
    ReadOnly,
    #[error("it was asked without a permit")]
    NoPermit,
    #[error("the permit ran out {late_millis} ms ago")]
    TooLate { late_millis: u64 },
    #[error("{asking} asks, but {latest} acts since")]
    Superseded { asking: Term, latest: Term },
    #[error("{asking} asks, but this worker belongs to {ours}")]
    OtherLease { asking: Term, ours: Term },
}

impl Fence {
    /// Its clock begins now.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self {
            access,
            began: Instant::now(),
            latest: Mutex::new(None),
        }
    }

    pub(crate) fn clock_millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whoever comes with the highest number has the say from now on.
    pub(crate) fn introduce(&self, asking: Term) -> Result<(), Refusal> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match latest.as_ref() {
            Some(ours) if ours.lease != asking.lease => Err(Refusal::OtherLease {
                asking,
                ours: ours.clone(),
            }),
            Some(later) if later.number > asking.number => Err(Refusal::Superseded {
                asking,
                latest: later.clone(),
            }),
            Some(_) | None => {
                *latest = Some(asking);
                Ok(())
            }
        }
    }

    /// To be asked immediately before each change.
    pub(crate) fn admit(&self, permit: Option<message::Permit>) -> Result<(), Refusal> {
        match self.access {
            Access::ReadOnly => return Err(Refusal::ReadOnly),
            Access::ReadAndDelete => {}
        }
        let message::Permit {
            term,
            not_after_millis,
        } = permit.ok_or(Refusal::NoPermit)?;
        self.introduce(term.ok_or(Refusal::NoPermit)?.into())?;
        match self.clock_millis().checked_sub(not_after_millis) {
            None | Some(0) => Ok(()),
            Some(late_millis) => Err(Refusal::TooLate { late_millis }),
        }
    }
}

impl From<message::Term> for Term {
    fn from(message::Term { lease, number }: message::Term) -> Self {
        Self { lease, number }
    }
}

impl From<Term> for message::Term {
    fn from(Term { lease, number }: Term) -> Self {
        Self { lease, number }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lease, number } = self;
        write!(f, "holder {number} of lease {lease}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::time::Duration;

    use super::*;

    fn permit(lease: &str, number: i64, not_after_millis: u64) -> message::Permit {
        let term = Term {
            lease: lease.to_owned(),
            number,
        };
        message::Permit {
            term: Some(term.into()),
            not_after_millis,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_runs_out_by_the_clock_of_the_worker() {
        let fence = Fence::new(Access::ReadAndDelete);
        tokio::time::advance(Duration::from_millis(500)).await;
        fence.admit(Some(permit("a", 1, 500))).unwrap();
        assert_eq!(
            fence.admit(Some(permit("a", 1, 499))),
            Err(Refusal::TooLate { late_millis: 1 })
        );
    }

    #[tokio::test]
    async fn who_lost_the_lease_has_no_say_any_more() {
        let fence = Fence::new(Access::ReadAndDelete);
        fence.admit(Some(permit("a", 2, u64::MAX))).unwrap();
        fence.admit(Some(permit("a", 2, u64::MAX))).unwrap();
        let refusal = fence.admit(Some(permit("a", 1, u64::MAX))).unwrap_err();
        assert!(matches!(refusal, Refusal::Superseded { .. }), "{refusal}");
        // Who only introduces itself ends the rights of those before as well.
        let later = permit("a", 3, 0).term.unwrap();
        fence.introduce(later.into()).unwrap();
        let refusal = fence.admit(Some(permit("a", 2, u64::MAX))).unwrap_err();
        assert!(matches!(refusal, Refusal::Superseded { .. }), "{refusal}");
        let refusal = fence.admit(Some(permit("b", 9, u64::MAX))).unwrap_err();
        assert!(matches!(refusal, Refusal::OtherLease { .. }), "{refusal}");
    }

    #[tokio::test]
    async fn nothing_is_changed_without_a_right() {
        let fence = Fence::new(Access::ReadAndDelete);
        assert_eq!(fence.admit(None), Err(Refusal::NoPermit));
        let nobody = message::Permit {
            term: None,
            not_after_millis: u64::MAX,
        };
        assert_eq!(fence.admit(Some(nobody)), Err(Refusal::NoPermit));
        let reading = Fence::new(Access::ReadOnly);
        assert_eq!(
            reading.admit(Some(permit("a", 1, u64::MAX))),
            Err(Refusal::ReadOnly)
        );
    }
}
