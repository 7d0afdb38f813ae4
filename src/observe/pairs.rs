//! What a `FlinkBlueGreenDeployment` means for its two halves, which are ordinary `FlinkDeployment`s.
//!
//! While one half takes over from the other, a savepoint of the first may exist that only its JobManager knows (R10),
//! and the second may still need all of it. So each half is what its own resource says only while the pair is active on
//! one colour, and the other half is gone or at rest.

use crate::api::flink::{FlinkBlueGreenDeployment, FlinkKind};
use crate::observe::RawObject;
use crate::observe::deployment::{job_name, suspended_by};
use crate::observe::draft::{Colour, Draft, Half};
use crate::observe::gaps;
use crate::observe::snapshot_requests::pending;
use crate::observe::source::Resources;
use kube::ResourceExt;
use kube::api::DynamicObject;
use retention::evidence::{Gap, Phase};

/// Makes halves unclear of which the pair does not say that they are settled, and suspends those of a pair that is
/// annotated so.
pub(super) fn settle(resources: &Resources, drafts: &mut [Draft]) {
    for draft in &mut *drafts {
        if let Some(why) = suspended(resources, draft) {
            draft.suspended_by.get_or_insert(why);
        }
    }
    let doubts: Vec<Option<String>> = drafts
        .iter()
        .map(|draft| {
            let half = draft.half.as_ref()?;
            doubt(draft, half, resources, drafts).err()
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
pub(super) fn pending_savepoints(resources: &Resources) -> Vec<Gap> {
    let pairs = of_kind(resources).filter_map(|object| {
        let pair = FlinkBlueGreenDeployment::from_dynamic(object.object()).ok()?;
        pair.has_pending_savepoint().then_some(pair)
    });
    pairs
        .map(|pair| {
            let name = job_name(FlinkKind::BlueGreenDeployment.as_str(), &pair.metadata);
            let radius = gaps::seen_from(&name.namespace);
            pending(&name, radius)
        })
        .collect()
}

fn of_kind(resources: &Resources) -> impl Iterator<Item = &RawObject> {
    resources
        .flink
        .iter()
        .filter(|(kind, _)| *kind == FlinkKind::BlueGreenDeployment)
        .map(|(_, object)| object)
}

fn suspended(resources: &Resources, draft: &Draft) -> Option<String> {
    let (name, uid) = draft.half.as_ref()?.pair.as_ref()?;
    let object = find(resources, &draft.name.namespace, name, uid)?;
    let name = job_name(FlinkKind::BlueGreenDeployment.as_str(), &object.metadata);
    suspended_by(&name, &object.metadata)
}

fn doubt(
    draft: &Draft,
    half: &Half,
    resources: &Resources,
    drafts: &[Draft],
) -> Result<(), String> {
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
    let active = active(resources, &draft.name.namespace, name, uid)?;
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
fn active(resources: &Resources, namespace: &str, name: &str, uid: &str) -> Result<Colour, String> {
    let object = find(resources, namespace, name, uid)
        .ok_or_else(|| format!("its FlinkBlueGreenDeployment {name} is not in sight"))?;
    let described = job_name(FlinkKind::BlueGreenDeployment.as_str(), &object.metadata);
    let pair = FlinkBlueGreenDeployment::from_dynamic(object.clone())
        .map_err(|error| error.to_string())?;
    if pair.metadata.deletion_timestamp.is_some() {
        return Err(format!("its {described} is being deleted"));
    }
    if pair.has_pending_savepoint() {
        return Err(format!(
            "its {described} takes a savepoint whose path no resource names yet"
        ));
    }
    let state = pair
        .status
        .as_ref()
        .and_then(|status| status.blue_green_state.as_deref());
    match state {
        Some("ACTIVE_BLUE") => Ok(Colour::Blue),
        Some("ACTIVE_GREEN") => Ok(Colour::Green),
        state => Err(format!(
            "its {described} is {}",
            state.unwrap_or("without a state")
        )),
    }
}

fn find(resources: &Resources, namespace: &str, name: &str, uid: &str) -> Option<DynamicObject> {
    let mut pairs = of_kind(resources);
    let found = pairs.find(|object| {
        object.namespace().as_deref() == Some(namespace)
            && object.name_any() == name
            && object.uid().as_deref() == Some(uid)
    });
    found.map(RawObject::object)
}
