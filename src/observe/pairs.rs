//! What a `FlinkBlueGreenDeployment` means for its two halves, which are ordinary `FlinkDeployment`s.
//!
//! While one half takes over from the other, a savepoint of the first may exist that only its JobManager knows (R10),
//! and the second may still need all of it. So each half is what its own resource says only while the pair is active on
//! one colour, and the other half is gone or at rest.

use crate::api::flink::{FlinkBlueGreenDeployment, FlinkKind, Undecodable};
use crate::observe::deployment::{job_name, suspended_by};
use crate::observe::draft::{Colour, Draft, Half};
use crate::observe::flink_object::unreadable;
use crate::observe::gaps;
use crate::observe::snapshot_requests::pending;
use kube::api::ObjectMeta;
use retention::evidence::{Gap, JobName, Phase};

/// A `FlinkBlueGreenDeployment`, as far as it matters.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    name: JobName,
    namespace: Option<String>,
    uid: Option<String>,
    suspended_by: Option<String>,
    read: Result<State, Undecodable>,
}

#[derive(Clone, Debug)]
struct State {
    is_being_deleted: bool,
    has_pending_savepoint: bool,
    name: Option<String>,
}

impl Pair {
    #[must_use]
    pub(super) fn of(
        metadata: &ObjectMeta,
        read: Result<FlinkBlueGreenDeployment, Undecodable>,
    ) -> Self {
        let name = job_name(FlinkKind::BlueGreenDeployment.as_str(), metadata);
        Self {
            namespace: metadata.namespace.clone(),
            uid: metadata.uid.clone(),
            suspended_by: suspended_by(&name, metadata),
            name,
            read: read.map(|pair| State {
                is_being_deleted: pair.metadata.deletion_timestamp.is_some(),
                has_pending_savepoint: pair.has_pending_savepoint(),
                name: pair.status.and_then(|status| status.blue_green_state),
            }),
        }
    }

    /// What may be hidden in one that cannot be decoded.
    #[must_use]
    pub(super) fn gap(&self) -> Option<Gap> {
        self.read.as_ref().err().map(unreadable)
    }
}

/// Makes halves unclear of which the pair does not say that they are settled, and suspends those of a pair that is
/// annotated so.
pub(super) fn settle(pairs: &[Pair], drafts: &mut [Draft]) {
    for draft in &mut *drafts {
        if let Some(why) = suspended(pairs, draft) {
            draft.suspended_by.get_or_insert(why);
        }
    }
    let doubts: Vec<Option<String>> = drafts
        .iter()
        .map(|draft| {
            let half = draft.half.as_ref()?;
            doubt(draft, half, pairs, drafts).err()
        })
        .collect();
    for (draft, doubt) in drafts.iter_mut().zip(doubts) {
        if let Some(why) = doubt {
            draft.phase = Phase::Unclear { why };
        }
    }
}

/// Where a savepoint may appear of which only a JobManager knows (R10). The halves may be hidden, or gone already.
#[must_use]
pub(super) fn pending_savepoints(pairs: &[Pair]) -> Vec<Gap> {
    let pending_ones = pairs.iter().filter(|pair| {
        let state = pair.read.as_ref();
        state.is_ok_and(|state| state.has_pending_savepoint)
    });
    pending_ones
        .map(|pair| pending(&pair.name, gaps::seen_from(&pair.name.namespace)))
        .collect()
}

fn suspended(pairs: &[Pair], draft: &Draft) -> Option<String> {
    let (name, uid) = draft.half.as_ref()?.pair.as_ref()?;
    find(pairs, &draft.name.namespace, name, uid)?
        .suspended_by
        .clone()
}

fn doubt(draft: &Draft, half: &Half, pairs: &[Pair], drafts: &[Draft]) -> Result<(), String> {
    let Half {
        colour: Some(colour),
        pair: Some((name, uid)),
    } = half
    else {
        return Err(
            "it is half of a FlinkBlueGreenDeployment, and its labels or owners do not say which"
                .to_owned(),
        );
    };
    let active = active(pairs, &draft.name.namespace, name, uid)?;
    if active != *colour {
        return match &draft.phase {
            Phase::Suspended | Phase::Terminal { .. } | Phase::Unclear { .. } => Ok(()),
            Phase::Running | Phase::Stopped | Phase::Gone | Phase::NoJob { .. } => Err(format!(
                "it is not the active half of FlinkBlueGreenDeployment {name}, and not at rest either"
            )),
        };
    }
    let other = drafts.iter().find(|other| {
        let of_pair = other.half.as_ref().and_then(|half| half.pair.as_ref());
        other.name != draft.name
            && other.name.namespace == draft.name.namespace
            && of_pair.is_some_and(|(_, of)| of == uid)
    });
    match other.map(|other| (&other.phase, &other.name)) {
        None | Some((Phase::Suspended | Phase::Terminal { .. }, _)) => Ok(()),
        Some((
            Phase::Running
            | Phase::Stopped
            | Phase::Gone
            | Phase::NoJob { .. }
            | Phase::Unclear { .. },
            other,
        )) => Err(format!(
            "the other half of its FlinkBlueGreenDeployment, {other}, is still there"
        )),
    }
}

/// The colour of a pair that is in no transition.
fn active(pairs: &[Pair], namespace: &str, name: &str, uid: &str) -> Result<Colour, String> {
    let pair = find(pairs, namespace, name, uid)
        .ok_or_else(|| format!("its FlinkBlueGreenDeployment {name} is not in sight"))?;
    let described = &pair.name;
    let State {
        is_being_deleted,
        has_pending_savepoint,
        name,
    } = pair.read.as_ref().map_err(ToString::to_string)?;
    if *is_being_deleted {
        return Err(format!("its {described} is being deleted"));
    }
    if *has_pending_savepoint {
        return Err(format!(
            "its {described} takes a savepoint whose path no resource names yet"
        ));
    }
    match name.as_deref() {
        Some("ACTIVE_BLUE") => Ok(Colour::Blue),
        Some("ACTIVE_GREEN") => Ok(Colour::Green),
        state => Err(format!(
            "its {described} is {}",
            state.unwrap_or("without a state")
        )),
    }
}

fn find<'a>(pairs: &'a [Pair], namespace: &str, name: &str, uid: &str) -> Option<&'a Pair> {
    pairs.iter().find(|pair| {
        pair.namespace.as_deref() == Some(namespace)
            && pair.name.name == name
            && pair.uid.as_deref() == Some(uid)
    })
}
