//! What `CheckpointInventory` objects remember: the job ids and bases that a Flink resource has had.

use crate::api::CheckpointInventory;
use crate::api::checkpoint_inventory::{
    CheckpointInventorySpec, LineageEntry as Recorded, MAX_BASES,
};
use crate::observe::RawObject;
use crate::observe::draft::{Draft, Host, StartsFrom};
use crate::observe::gaps;
use kube::ResourceExt;
use kube::api::DynamicObject;
use retention::evidence::{Gap, JobName, Lineage, LineageEntry, Phase, Processes, ResourceState};
use retention::guard::Guard;
use retention::location::{Location, Origin};
use std::collections::BTreeMap;

/// The history of one Flink resource, across the uids that it has had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) lineage: Lineage,
    pub(super) bases: Vec<Location>,
}

/// The records by resource. What cannot be read may hide bases, and former ids, of its namespace.
///
/// `present` are the uids of the resources that exist: what was recorded of another one is of a resource that was
/// deleted, and nothing of it was taken over.
#[must_use]
pub(super) fn records(
    objects: &[RawObject],
    present: &BTreeMap<JobName, String>,
    origin_of: &dyn Fn(&str) -> Origin,
) -> (BTreeMap<JobName, Record>, Vec<Gap>) {
    let mut records: BTreeMap<JobName, Record> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for object in objects.iter().map(RawObject::object) {
        let namespace = object.namespace().unwrap_or_default();
        match read(&object, present, &origin_of(&namespace)) {
            Ok((name, Record { lineage, bases })) => {
                if bases.len() >= MAX_BASES {
                    unreadable.push(full(&namespace, &object.name_any()));
                }
                let record = records.entry(name).or_default();
                record.lineage.entries.extend(lineage.entries);
                record.bases.extend(bases);
            }
            Err(why) => unreadable.push(Gap {
                guard: Guard::MissingEvidence,
                what: format!("CheckpointInventory {namespace}/{}", object.name_any()),
                why,
                radius: vec![gaps::seen_from(&namespace)],
            }),
        }
    }
    (records, unreadable)
}

/// Directories may have been left out, and with them whatever the snapshots in them name.
fn full(namespace: &str, name: &str) -> Gap {
    Gap {
        guard: Guard::MissingEvidence,
        what: format!("CheckpointInventory {namespace}/{name}"),
        why: format!(
            "it has no room for more than {MAX_BASES} directories, and there may have been more; remove those from spec.bases that hold nothing any more"
        ),
        radius: vec![gaps::seen_from(namespace)],
    }
}

fn read(
    object: &DynamicObject,
    present: &BTreeMap<JobName, String>,
    origin: &Origin,
) -> Result<(JobName, Record), String> {
    let inventory: CheckpointInventory = object
        .clone()
        .try_parse()
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let CheckpointInventorySpec {
        job_ref,
        last_labels: _,
        bases,
        lineage,
    } = inventory.spec;
    let bases: Vec<Location> = bases
        .iter()
        .map(|base| Location::parse(base, origin))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("spec.bases: {error}"))?;
    let name = JobName {
        kind: job_ref.kind,
        namespace: object.namespace().unwrap_or_default(),
        name: job_ref.name,
    };
    let uid = present.get(&name).map(String::as_str);
    let entries = lineage
        .iter()
        .map(|recorded| entry(recorded, uid, &bases))
        .collect::<Result<_, _>>()?;
    let lineage = Lineage { entries };
    Ok((name, Record { lineage, bases }))
}

fn entry(
    recorded: &Recorded,
    present: Option<&str>,
    bases: &[Location],
) -> Result<LineageEntry, String> {
    let Recorded {
        job_id,
        uid,
        base,
        first_seen,
        last_seen,
        deleted_time,
    } = recorded;
    let observed = deleted_time.as_ref().map(|time| time.0);
    Ok(LineageEntry {
        job_id: job_id
            .parse()
            .map_err(|error| format!("spec.lineage: {error}"))?,
        base: base.and_then(|position| bases.get(usize::from(position)).cloned()),
        first_seen: first_seen.0,
        last_seen: last_seen.0,
        resource: match (present, uid.as_deref()) {
            (None, _) => ResourceState::Deleted { observed },
            (Some(present), Some(recorded)) if recorded != present => {
                ResourceState::Deleted { observed }
            }
            (Some(_), _) => ResourceState::Exists,
        },
    })
}

/// The draft of a resource that exists in a record only: it claims its ids, so that nobody takes them for unknown.
///
/// Its last processes may still be ending (the Flink operator cancels on deletion and does not wait).
#[must_use]
pub(super) fn gone(
    name: JobName,
    record: Record,
    (processes, doubt): (&Processes, Option<String>),
    surroundings: (Origin, Option<String>),
) -> Draft {
    let (origin, suspended_by) = surroundings;
    let Record { lineage, bases } = record;
    let last = lineage
        .entries
        .iter()
        .max_by_key(|entry| entry.last_seen)
        .map(|entry| entry.job_id);
    let doubt = doubt.or_else(|| match processes {
        Processes::Absent => None,
        Processes::Present => Some("processes of it still exist".to_owned()),
        Processes::Unknown { why } => Some(format!(
            "whether processes of it are left is not known: {why}"
        )),
    });
    let (current, phase) = match doubt {
        None => (None, Phase::Gone),
        Some(why) => {
            let why = format!("its resource is gone, but {why}");
            (last, Phase::Unclear { why })
        }
    };
    Draft {
        // High-availability maps that it left are found by their names.
        address: None,
        host: Host::Own,
        half: None,
        name,
        current,
        starts_from: StartsFrom::NotSaid,
        phase,
        lineage,
        bases,
        high_availability: crate::api::flink::options::HighAvailability::None,
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by,
        origin,
        stateful: false,
        roots: Vec::new(),
        gaps: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const RECORD: &str = include_str!("fixtures/inventory.yaml");

    fn object(yaml: &str) -> DynamicObject {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn origin(namespace: &str) -> Origin {
        Origin {
            namespace: Some(namespace.to_owned()),
            ..Origin::default()
        }
    }

    #[test]
    fn a_record_tells_former_ids_and_bases_of_its_namespace() {
        let (records, gaps) = records(&[object(RECORD).into()], &BTreeMap::new(), &origin);
        assert!(gaps.is_empty(), "{gaps:?}");
        let (name, record) = records.first_key_value().unwrap();
        assert_eq!(name.to_string(), "FlinkDeployment flink/orders");
        assert_eq!(record.lineage.entries.len(), 2);
        let expected = Location::parse("/old", &origin("flink")).unwrap();
        assert_eq!(record.bases.as_slice(), std::slice::from_ref(&expected));
        assert_eq!(record.lineage.entries[0].base, Some(expected));
        assert_eq!(record.lineage.entries[1].base, None);
    }

    #[test]
    fn two_records_of_one_resource_add_up() {
        let second = RECORD
            .replace("orders.flinkdeployment", "orders-2")
            .replace("/old", "/older");
        let (records, _) = records(
            &[object(RECORD).into(), object(&second).into()],
            &BTreeMap::new(),
            &origin,
        );
        assert_eq!(records.len(), 1);
        assert_eq!(records.first_key_value().unwrap().1.bases.len(), 2);
    }

    #[test]
    fn a_full_record_may_have_forgotten_a_directory() {
        let some = |count: usize| {
            let bases: Vec<String> = (0..count).map(|number| format!("  - /{number}")).collect();
            object(&RECORD.replace("  - file:///old", &bases.join("\n")))
        };
        let gaps_of = |count| records(&[some(count).into()], &BTreeMap::new(), &origin).1;
        assert_eq!(gaps_of(MAX_BASES - 1), []);
        assert_eq!(gaps_of(MAX_BASES)[0].radius, [gaps::seen_from("flink")]);
    }

    #[test]
    fn what_cannot_be_read_protects_its_namespace() {
        for (from, to) in [
            ("0000aaa\n", "0000xyz\n"),
            ("/old", "old"),
            ("  lineage:", "  lineage: 7\n  other:"),
        ] {
            assert!(RECORD.contains(from));
            let broken = object(&RECORD.replacen(from, to, 1));
            let (records, gaps) = records(&[broken.into()], &BTreeMap::new(), &origin);
            assert!(records.is_empty(), "{to}");
            assert_eq!(gaps[0].radius, [gaps::seen_from("flink")]);
        }
    }

    #[test]
    fn a_resource_that_is_gone_keeps_its_ids() {
        let (records, _) = records(&[object(RECORD).into()], &BTreeMap::new(), &origin);
        let (name, record) = records.into_iter().next().unwrap();
        let draft = |processes: &Processes| {
            gone(
                name.clone(),
                record.clone(),
                (processes, None),
                (Origin::default(), None),
            )
        };
        let absent = draft(&Processes::Absent);
        assert_eq!((&absent.phase, absent.current), (&Phase::Gone, None));
        assert_eq!(absent.lineage.entries.len(), 2);
        let present = draft(&Processes::Present);
        assert!(matches!(present.phase, Phase::Unclear { .. }));
        let last = "00000000000000000000000000000bbb";
        assert_eq!(present.current.unwrap().to_string(), last);
    }
}
