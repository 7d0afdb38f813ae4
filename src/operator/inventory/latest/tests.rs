#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use retention::evidence::{
    Gap, HaCheckpoint, HaEntry, HaMap, JobName, Lineage, Phase, Processes, Radius,
};
use retention::guard::Guard;
use retention::inventory::{Base, BaseId, Contents, ListedFile, Listing, Reading, SnapshotPlace};
use retention::layout::place;
use retention::location::Origin;

fn minute(number: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + number * 60).unwrap()
}

fn id() -> JobId {
    JobId::from_bytes([7; 16])
}

fn at(path: &str) -> Location {
    Location::parse(&format!("file:/ckp/{path}"), &Origin::default()).unwrap()
}

fn job(high_availability: HighAvailability) -> JobEvidence {
    JobEvidence {
        name: JobName {
            kind: "FlinkDeployment".into(),
            namespace: "flink".into(),
            name: "orders".into(),
        },
        current: Some(id()),
        lineage: Lineage::default(),
        phase: Phase::Running,
        processes: Processes::Present,
        bases: Vec::new(),
        high_availability,
        job_manager: JobManager::NotAsked,
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by: None,
    }
}

/// `chk-6` can be read, `chk-7` cannot.
fn inventory(six: i64, seven: i64) -> Inventory {
    let paths = [6, 7].map(|number| format!("{}/chk-{number}/_metadata", id()));
    let readable = Snapshot {
        source: Source::Metadata,
        location: at(&paths[0]).parent(),
        kind: SnapshotKind::Checkpoint,
        checkpoint_id: 6,
        format_version: 4,
        place: Some(SnapshotPlace {
            base: BaseId(0),
            metadata_path: paths[0].as_str().into(),
            placement: place(&paths[0]),
            metadata_size: 9,
            modified: Some(minute(six)),
        }),
        completed: minute(six),
        references: Vec::new(),
        inline_bytes: 9,
        contents: Contents::default(),
    };
    let torn = ListedFile {
        base: BaseId(0),
        path: paths[1].as_str().into(),
        placement: place(&paths[1]),
        size: 5,
        modified: Some(minute(seven)),
        regular: true,
    };
    let gap = Gap {
        guard: Guard::UnreadableSnapshot,
        what: at(&paths[1]).to_string(),
        why: "the file ends early".into(),
        radius: vec![Radius::All],
    };
    Inventory {
        bases: vec![Base {
            location: Location::parse("file:/ckp", &Origin::default()).unwrap(),
            reading: Reading::Whole,
            listing: Listing::Complete {
                finished: minute(9),
            },
            apart: Vec::new(),
        }],
        snapshots: vec![readable],
        unreferenced: vec![torn],
        gaps: vec![gap],
        ..Inventory::default()
    }
}

fn map(number: u64) -> HighAvailability {
    let checkpoint = HaCheckpoint {
        job_id: id(),
        pointer: Some(at(&format!("{}/chk-{number}", id()))),
        triggered: minute(1),
        completed: minute(1),
        references: Vec::new(),
        contents: Contents::default(),
        inline_bytes: 9,
    };
    HighAvailability::Map(Box::new(HaMap {
        uid: "m".into(),
        read_at: minute(9),
        counter: Some(number + 1),
        entries: vec![HaEntry {
            checkpoint_id: number,
            marked_for_deletion: false,
            checkpoint,
        }],
    }))
}

fn number(judged: &Judged) -> Option<i64> {
    judged.latest.as_ref()?.checkpoint_id
}

#[test]
fn a_newest_snapshot_that_cannot_be_read_is_told_with_its_reason() {
    let judged = judge(
        &job(HighAvailability::NotConfigured),
        &inventory(1, 2),
        minute(9),
    );
    let Verdict::Unreadable { why } = &judged.verdict else {
        panic!("{judged:?}")
    };
    assert!(
        why.contains("chk-7 is unreadable: the file ends early"),
        "{why}"
    );
    assert_eq!(number(&judged), Some(6));
    assert_eq!(judged.counts.checkpoints, 2);
    assert_eq!(judged.counts.not_restorable, 1);
}

#[test]
fn an_older_one_that_cannot_be_read_is_only_counted() {
    let judged = judge(
        &job(HighAvailability::NotConfigured),
        &inventory(2, 1),
        minute(9),
    );
    let verified = Verdict::Verified {
        files: 0,
        unreadable: None,
    };
    assert_eq!(judged.verdict, verified);
    assert_eq!(judged.counts.not_restorable, 1);
}

#[test]
fn what_flink_names_decides_and_a_newer_one_is_still_told() {
    let named = judge(&job(map(6)), &inventory(1, 2), minute(9));
    let Verdict::Verified {
        unreadable: Some(why),
        ..
    } = &named.verdict
    else {
        panic!("{named:?}")
    };
    assert!(why.contains("chk-7"), "{why}");
    let torn = judge(&job(map(7)), &inventory(1, 2), minute(9));
    assert!(
        matches!(torn.verdict, Verdict::Unreadable { .. }),
        "{torn:?}"
    );
    assert_eq!(number(&torn), Some(6));
}

/// `chk-6` and `chk-7` are both whole.
fn both_whole(six: i64, seven: i64) -> Inventory {
    let mut inventory = inventory(six, seven);
    let path = format!("{}/chk-7/_metadata", id());
    let mut second = inventory.snapshots[0].clone();
    second.location = at(&path).parent();
    second.checkpoint_id = 7;
    second.completed = minute(seven);
    let place_of = second.place.as_mut().unwrap();
    place_of.metadata_path = path.as_str().into();
    place_of.placement = place(&path);
    inventory.snapshots.push(second);
    inventory.unreferenced.clear();
    inventory.gaps.clear();
    inventory
}

/// Scenario 14: the JobManager died after it had written `_metadata`, before it entered the checkpoint.
#[test]
fn where_they_disagree_it_is_told_which_one_flink_would_use() {
    let told = |job: &JobEvidence| judge(job, &both_whole(1, 2), minute(9)).disagreement;
    assert_eq!(
        told(&job(map(6))).unwrap(),
        "Flink would start from chk-6, which its high-availability data names; chk-7 is newer on storage"
    );
    assert_eq!(told(&job(map(7))), None);
    assert_eq!(told(&job(HighAvailability::NotConfigured)), None);
    let judged = judge(&job(map(6)), &both_whole(1, 2), minute(9));
    assert_eq!(
        number(&judged),
        Some(6),
        "what Flink would use is the latest"
    );
}

#[test]
fn a_path_that_the_api_server_would_refuse_is_left_out_and_named_all_the_same() {
    let mut inventory = both_whole(1, 2);
    let whole = judge(&job(map(7)), &inventory, minute(9));
    let path = whole.latest.and_then(|latest| latest.path);
    assert!(path.unwrap().ends_with("chk-7"));
    for snapshot in &mut inventory.snapshots {
        let name = snapshot.location.name().to_owned();
        snapshot.location = at(&format!("{}/{}/{name}", "x".repeat(1024), id()));
    }
    let job = job(HighAvailability::NotConfigured);
    let latest = judge(&job, &inventory, minute(9)).latest.unwrap();
    assert_eq!(
        (latest.path.as_ref(), latest.checkpoint_id),
        (None, Some(7))
    );
    assert!(latest.named().contains("more than 1024 characters"));
}
