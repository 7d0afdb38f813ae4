//! A draft together with what its high-availability data and its JobManager answered.

use crate::observe::draft::{Draft, StartsFrom};
use crate::observe::gaps;
use retention::evidence::{
    Gap, HighAvailability, JobEvidence, JobManager, JobName, Phase, Processes, RestCheckpoints,
    Root,
};
use retention::guard::Guard;
use retention::layout::{JobId, checkpoint_id};
use retention::location::Location;
use retention::reference::DirectoryKey;

/// All evidence of one job.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) job: JobEvidence,
    pub(super) roots: Vec<Root>,
    pub(super) gaps: Vec<Gap>,
}

#[must_use]
pub(super) fn with_answers(
    draft: Draft,
    processes: Processes,
    high_availability: HighAvailability,
    job_manager: JobManager,
) -> Finished {
    let Draft {
        name,
        address: _,
        host: _,
        half: _,
        current,
        phase,
        starts_from,
        lineage,
        mut bases,
        high_availability: _,
        checkpoint_timeout,
        state_backend,
        suspended_by,
        origin: _,
        stateful,
        mut roots,
        mut gaps,
    } = draft;
    let phase = match (phase, &high_availability, starts_from) {
        // To Flink it is over, and it has removed the map itself: it comes back as another job.
        (Phase::Suspended, HighAvailability::NoMap { .. }, StartsFrom::Savepoint) => {
            Phase::Terminal {
                state: "suspended with a savepoint".to_owned(),
            }
        }
        // By the defaults of the Flink operator, which nobody sees while nothing is deployed.
        (Phase::Suspended, HighAvailability::NotConfigured, StartsFrom::HighAvailability) => {
            Phase::Unclear {
                why: "it is suspended, and left to high-availability data that no configuration in sight names; set \
                      high-availability.type in its own flinkConfiguration"
                    .to_owned(),
            }
        }
        (phase, _, _) => phase,
    };
    let of_map = really_used(current, &high_availability);
    let of_rest = match &job_manager {
        JobManager::Answered(rest) => told_by_rest(rest),
        JobManager::NotAsked | JobManager::Unreachable { .. } => Vec::new(),
    };
    add_bases(&mut bases, of_map.into_iter().chain(of_rest));
    if let JobManager::Answered(rest) = &job_manager {
        roots.extend(restored_from(rest, &name));
    }
    let ids = gaps::ids(current, &lineage);
    let described = name.to_string();
    gaps.extend(gaps::unanswered(
        &described,
        &ids,
        &bases,
        &high_availability,
        &job_manager,
    ));
    if stateful && bases.is_empty() && !matches!(job_manager, JobManager::Answered(_)) {
        gaps.push(Gap {
            guard: Guard::MissingEvidence,
            what: described,
            why: "it keeps state, and no configuration in sight says where".to_owned(),
            radius: vec![gaps::seen_from(&name.namespace)],
        });
    }
    let job = JobEvidence {
        name,
        current,
        lineage,
        phase,
        processes,
        bases,
        high_availability,
        job_manager,
        checkpoint_timeout,
        state_backend,
        suspended_by,
    };
    Finished { job, roots, gaps }
}

/// The bases that none of the known ones covers.
pub(super) fn add_bases(bases: &mut Vec<Location>, used: impl Iterator<Item = Location>) {
    for base in used {
        if !bases.iter().any(|known| base.relative_to(known).is_some()) {
            bases.push(base);
        }
    }
}

/// Where the retained checkpoints of this job are; what it was restored from may be anywhere.
pub(super) fn really_used(current: Option<JobId>, found: &HighAvailability) -> Vec<Location> {
    let HighAvailability::Map(map) = found else {
        return Vec::new();
    };
    let own = map
        .entries
        .iter()
        .map(|entry| &entry.checkpoint)
        .filter(|checkpoint| Some(checkpoint.job_id) == current);
    own.filter_map(|checkpoint| base_of(checkpoint.pointer.as_ref()?, checkpoint.job_id))
        .collect()
}

/// R12: until it has completed a checkpoint of its own, a failure takes a job back to what it was restored from, in
/// every claim mode. After that its own snapshots name what they share with it.
fn restored_from(rest: &RestCheckpoints, name: &JobName) -> Option<Root> {
    let restored = rest.restored.as_ref()?;
    let location = restored.external_path.clone()?;
    let own = rest.checkpoints.iter().any(|checkpoint| {
        checkpoint.id > restored.id && checkpoint.status == "COMPLETED" && !checkpoint.is_savepoint
    });
    (!own).then(|| Root {
        snapshot: DirectoryKey::of(location.path()),
        location: Some(location),
        named_by: format!("{name}, which was restored from it"),
    })
}

/// Code can set another directory than the configuration: this is the truth.
fn told_by_rest(rest: &RestCheckpoints) -> Vec<Location> {
    let own = rest
        .checkpoints
        .iter()
        .filter(|checkpoint| checkpoint.status == "COMPLETED");
    own.filter_map(|checkpoint| base_of(checkpoint.external_path.as_ref()?, rest.job_id))
        .collect()
}

/// `<base>/<job id>/chk-N`, or `<base>/chk-N` where subdirectories are off. None for a savepoint.
fn base_of(checkpoint: &Location, job_id: JobId) -> Option<Location> {
    checkpoint_id(checkpoint.name())?;
    let parent = checkpoint.parent();
    if parent.name() == job_id.to_string() {
        Some(parent.parent())
    } else {
        Some(parent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::flink::options;
    use crate::observe::draft::Host;
    use jiff::Timestamp;
    use retention::evidence::{
        JobName, Lineage, Radius, RestCheckpoint, RestCheckpoints, RestRestored, StateBackend,
    };
    use retention::location::Origin;
    use rstest::rstest;

    const JOB: &str = "00000000000000000000000000000abc";

    fn at(text: &str) -> Location {
        Location::parse(text, &Origin::default()).unwrap()
    }

    fn draft(bases: &[&str]) -> Draft {
        Draft {
            name: JobName {
                kind: "FlinkDeployment".to_owned(),
                namespace: "flink".to_owned(),
                name: "orders".to_owned(),
            },
            address: None,
            host: Host::Own,
            half: None,
            current: Some(JOB.parse().unwrap()),
            phase: Phase::Running,
            starts_from: StartsFrom::NotSaid,
            lineage: Lineage::default(),
            bases: bases.iter().map(|base| at(base)).collect(),
            high_availability: options::HighAvailability::Kubernetes,
            checkpoint_timeout: None,
            state_backend: None,
            suspended_by: None,
            origin: Origin::default(),
            stateful: true,
            roots: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn answered(path: &str, is_savepoint: bool) -> JobManager {
        JobManager::Answered(Box::new(RestCheckpoints {
            read_at: Timestamp::UNIX_EPOCH,
            told: None,
            job_id: JOB.parse().unwrap(),
            state: "RUNNING".to_owned(),
            started: None,
            max_concurrent: Some(1),
            backend: StateBackend::RocksDb,
            changelog: Some(false),
            file_system_storage: true,
            timeout: None,
            checkpoints: vec![RestCheckpoint {
                id: 7,
                status: "COMPLETED".to_owned(),
                is_savepoint,
                triggered: Timestamp::UNIX_EPOCH,
                latest_ack: None,
                external_path: Some(at(path)),
                discarded: false,
            }],
            completed: None,
            restored: None,
            cluster: Err("not asked".to_owned()),
        }))
    }

    fn unreachable() -> JobManager {
        JobManager::Unreachable {
            why: "refused".to_owned(),
        }
    }

    fn unreadable() -> HighAvailability {
        HighAvailability::Unreadable {
            why: "torn".to_owned(),
        }
    }

    fn no_map() -> HighAvailability {
        HighAvailability::NoMap {
            read_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn finish(draft: Draft, map: HighAvailability, manager: JobManager) -> Finished {
        with_answers(draft, Processes::Present, map, manager)
    }

    #[rstest]
    #[case::inside("/cp/00000000000000000000000000000abc/chk-7", false, &["file:/cp"])]
    #[case::outside("/code/00000000000000000000000000000abc/chk-7", false, &["file:/cp", "file:/code"])]
    #[case::no_subdirectory("/code/x/chk-7", false, &["file:/cp", "file:/code/x"])]
    #[case::savepoint("/sp/savepoint-000000-0123456789ab", true, &["file:/cp"])]
    fn the_directory_that_a_job_really_uses_is_a_base(
        #[case] path: &str,
        #[case] is_savepoint: bool,
        #[case] expected: &[&str],
    ) {
        let finished = finish(draft(&["/cp"]), no_map(), answered(path, is_savepoint));
        let bases: Vec<_> = finished.job.bases.iter().map(ToString::to_string).collect();
        assert_eq!(bases, expected);
        assert!(finished.gaps.is_empty(), "{:?}", finished.gaps);
    }

    fn restored(id: u64, from: &str, then: &[(u64, &str, bool)]) -> Vec<String> {
        let JobManager::Answered(mut rest) = answered(from, false) else {
            panic!("no answer")
        };
        let pattern = rest.checkpoints.remove(0);
        rest.checkpoints = then
            .iter()
            .map(|&(id, status, is_savepoint)| RestCheckpoint {
                id,
                status: status.to_owned(),
                is_savepoint,
                ..pattern.clone()
            })
            .collect();
        rest.restored = Some(RestRestored {
            id,
            at: None,
            external_path: Some(at(from)),
            is_savepoint: true,
        });
        let finished = finish(draft(&["/cp"]), no_map(), JobManager::Answered(rest));
        let roots = finished.roots.into_iter();
        roots.map(|root| root.snapshot.to_string()).collect()
    }

    #[test]
    fn r12_what_a_job_was_restored_from_until_it_has_a_checkpoint_of_its_own() {
        let from = "/copied/mine";
        let (needed, free) = (vec!["copied/mine".to_owned()], Vec::<String>::new());
        for then in [
            &[][..],
            &[(8, "IN_PROGRESS", false)],
            &[(8, "FAILED", false)],
            &[(8, "COMPLETED", true)],
            // Of an earlier run, with an id of its own.
            &[(7, "COMPLETED", false)],
        ] {
            assert_eq!(restored(7, from, then), needed, "{then:?}");
        }
        assert_eq!(restored(7, from, &[(8, "COMPLETED", false)]), free);
    }

    #[test]
    fn one_of_the_two_answers_protects_the_jobs_own_directories() {
        let id = Radius::Job(JOB.parse().unwrap());
        let torn = finish(
            draft(&["/cp"]),
            unreadable(),
            answered("/cp/x/chk-7", false),
        );
        assert_eq!(torn.gaps.len(), 1);
        assert_eq!(torn.gaps[0].guard, Guard::NoHighAvailability);
        let silent = finish(draft(&["/cp"]), no_map(), unreachable());
        assert_eq!(torn.gaps[0].radius, silent.gaps[0].radius);
        assert_eq!(silent.gaps.len(), 1);
        assert_eq!(silent.gaps[0].guard, Guard::JobManagerUnreachable);
        assert_eq!(silent.gaps[0].radius, [id]);
    }

    #[rstest]
    #[case(unreadable(), unreachable(), 2)]
    #[case(HighAvailability::NotConfigured, unreachable(), 1)]
    #[case(unreadable(), JobManager::NotAsked, 1)]
    #[case(HighAvailability::Unsupported { kind: "ZooKeeper".to_owned() }, unreachable(), 2)]
    fn without_any_answer_everything_in_its_bases_stays(
        #[case] map: HighAvailability,
        #[case] manager: JobManager,
        #[case] gaps: usize,
    ) {
        let finished = finish(draft(&["/cp", "/sp"]), map, manager);
        assert_eq!(finished.gaps.len(), gaps);
        for gap in finished.gaps {
            assert!(gap.radius.contains(&Radius::Below(at("/cp"))), "{gap:?}");
            assert!(gap.radius.contains(&Radius::Below(at("/sp"))), "{gap:?}");
        }
    }

    #[test]
    fn a_job_that_nobody_needs_to_ask_leaves_nothing_open() {
        for map in [HighAvailability::NotConfigured, no_map()] {
            let finished = finish(draft(&["/cp"]), map, JobManager::NotAsked);
            assert!(finished.gaps.is_empty());
        }
    }

    #[test]
    fn state_at_an_unknown_place_protects_all_that_its_namespace_sees() {
        let finished = finish(draft(&[]), no_map(), JobManager::NotAsked);
        assert_eq!(finished.gaps[0].radius, [gaps::seen_from("flink")]);
        let stateless = Draft {
            stateful: false,
            ..draft(&[])
        };
        let finished = finish(stateless, no_map(), JobManager::NotAsked);
        assert!(finished.gaps.is_empty());
    }
}
