use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// What to do about a lease that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is free: write ourselves into it, with this number of transitions.
    Take {
        transitions: i32,
    },
    Wait {
        holder: String,
    },
}

/// Since when a lease has looked as it does.
#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: Option<(Option<String>, Option<MicroTime>, Instant)>,
}

/// Decides about a lease (none: it does not exist) that was read at `now`.
pub(super) fn decide(
    lease: Option<&LeaseSpec>,
    me: &str,
    watched: &mut Watched,
    now: Instant,
) -> Decision {
    let Some(lease) = lease else {
        return Decision::Take { transitions: 0 };
    };
    let transitions = lease.lease_transitions.unwrap_or(0);
    let next = Decision::Take {
        transitions: transitions.saturating_add(1),
    };
    let Some(holder) = lease
        .holder_identity
        .as_deref()
        .filter(|holder| !holder.is_empty())
    else {
        return next;
    };
    // Our own name from before a crash: nobody else has it, but what that process started may still run, so wait it out
    // as for any other one.
    let unchanged_since = match &watched.seen {
        Some((holder, renewed, since))
            if *holder == lease.holder_identity && *renewed == lease.renew_time =>
        {
            *since
        }
        Some(_) | None => {
            watched.seen = Some((lease.holder_identity.clone(), lease.renew_time.clone(), now));
            now
        }
    };
    let duration = lease
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .unwrap_or(0);
    if now.duration_since(unchanged_since) >= Duration::from_secs(duration.max(1)) {
        return next;
    }
    let holder = if holder == me {
        format!("{holder} (this name, before a restart)")
    } else {
        holder.to_owned()
    };
    Decision::Wait { holder }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn lease(holder: &str, renewed: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(renewed.parse().unwrap())),
            lease_transitions: Some(4),
            ..LeaseSpec::default()
        }
    }

    const BEGIN: &str = "2026-11-21T06:00:00Z";
    const LATER: &str = "2026-11-21T06:00:05Z";

    #[test]
    fn a_free_lease_is_taken_with_the_next_number() {
        let now = Instant::now();
        assert_eq!(
            decide(None, "a", &mut Watched::default(), now),
            Decision::Take { transitions: 0 }
        );
        assert_eq!(
            decide(Some(&lease("", BEGIN)), "a", &mut Watched::default(), now),
            Decision::Take { transitions: 5 }
        );
    }

    #[test]
    fn a_holder_is_given_up_only_after_its_lease_was_seen_unchanged_for_its_duration() {
        let (mut watched, now) = (Watched::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        let wait = Decision::Wait { holder: "b".into() };
        // However old its times are: clocks of machines differ.
        assert_eq!(
            decide(Some(&lease("b", BEGIN)), "a", &mut watched, now),
            wait
        );
        assert_eq!(
            decide(Some(&lease("b", BEGIN)), "a", &mut watched, after(14)),
            wait
        );
        // It was renewed: the wait begins anew.
        assert_eq!(
            decide(Some(&lease("b", LATER)), "a", &mut watched, after(15)),
            wait
        );
        assert_eq!(
            decide(Some(&lease("b", LATER)), "a", &mut watched, after(29)),
            wait
        );
        assert_eq!(
            decide(Some(&lease("b", LATER)), "a", &mut watched, after(30)),
            Decision::Take { transitions: 5 }
        );
    }

    #[test]
    fn our_own_name_is_no_free_lease() {
        let mut watched = Watched::default();
        let decision = decide(Some(&lease("a", BEGIN)), "a", &mut watched, Instant::now());
        assert!(matches!(decision, Decision::Wait { .. }));
    }
}
