//! P1, P2 and P4 over random worlds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use proptest::prelude::*;
use retention::evidence::Phase;
use retention::inventory::BaseId;
use retention::keep::{KeepRules, Verdict};
use retention::mark::MarkKind;
use retention::plan::{Decision, Ripeness};
use retention::reference::{FileName, Found};
use std::collections::{BTreeMap, BTreeSet};
use support::*;

/// Job, number, minute, and the files that it names: job, whether in a `chk-N`, name.
type RandomSnapshot = (u8, u64, i64, Vec<(u8, bool, u32)>);
/// Job, kind, name, minute, whether it is marked.
type RandomFile = (u8, u8, u32, i64, bool);

#[derive(Clone, Debug)]
struct Random {
    snapshots: Vec<RandomSnapshot>,
    files: Vec<RandomFile>,
    lost: Vec<u32>,
    keep: Option<(Option<u32>, Option<i64>)>,
    phases: [u8; 3],
    roots: Vec<(u8, u64)>,
    min_age: i64,
    grace: i64,
    taken_over: bool,
}

fn random() -> impl Strategy<Value = Random> {
    let name = (0..3_u8, any::<bool>(), 0..24_u32);
    let snapshot = (0..3_u8, 1..9_u64, 1..NOW, prop::collection::vec(name, 0..6));
    let file = (0..3_u8, 0..3_u8, 0..40_u32, 1..NOW, any::<bool>());
    (
        prop::collection::vec(snapshot, 0..9),
        prop::collection::vec(file, 0..20),
        prop::collection::vec(0..24_u32, 0..3),
        prop::option::of((prop::option::of(0..4_u32), prop::option::of(0..200_i64))),
        prop::array::uniform3(0..4_u8),
        prop::collection::vec((0..3_u8, 1..9_u64), 0..2),
        0..100_i64,
        0..100_i64,
        any::<bool>(),
    )
        .prop_map(
            |(snapshots, files, lost, keep, phases, roots, min_age, grace, taken_over)| Random {
                snapshots,
                files,
                lost,
                keep,
                phases,
                roots,
                min_age,
                grace,
                taken_over,
            },
        )
}

const JOBS: [&str; 3] = [J0, J1, J2];

fn world(random: &Random) -> World {
    let mut world = World::empty();
    world.evidence.jobs = vec![after(stopped(J1), J0), stopped(J2)];
    for (job, phase) in world.evidence.jobs.iter_mut().zip(random.phases) {
        job.phase = match phase {
            0 => Phase::Suspended,
            1 => Phase::Unclear {
                why: "between".to_owned(),
            },
            _ => Phase::Stopped,
        };
    }
    world.policy.checkpoints = random.keep.map(|(keep_last, hours)| KeepRules {
        keep_last,
        keep_within: hours.map(SignedDuration::from_hours),
    });
    world.policy.min_age = SignedDuration::from_hours(random.min_age);
    world.policy.grace_period = SignedDuration::from_hours(random.grace);
    if random.taken_over {
        world
            .baselines
            .restorable_since
            .insert(J1.parse().unwrap(), minute(1));
    }
    let mut taken = BTreeSet::new();
    for (job, number, at, names) in &random.snapshots {
        if !taken.insert((job, number)) {
            continue;
        }
        let job = JOBS[usize::from(*job)];
        let names: Vec<String> = names
            .iter()
            .map(|&(owner, exclusive, name)| {
                let owner = JOBS[usize::from(owner)];
                match (exclusive, name % 3) {
                    (true, 0) => own(owner, u64::from(name % 8) + 1, name),
                    (true, _) => own(job, *number, name),
                    (false, _) => shared(owner, name),
                }
            })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        world.snapshot(&format!("{job}/chk-{number}"), *at, &names);
        world.mark(&metadata(job, *number), *at, MarkKind::Expired);
        for name in names {
            world.mark(name, at - 1, MarkKind::Expired);
        }
    }
    for &(job, kind, name, at, marked) in &random.files {
        let job = JOBS[usize::from(job)];
        let path = match kind {
            0 => shared(job, name),
            1 => own(job, 20, name),
            _ => format!("{job}/taskowned/{}", uuid(name)),
        };
        // Even a file that the scan wrongly lists as unreferenced must not go.
        world.list(&path, at);
        let misplaced = world.inventory.named_elsewhere.pop();
        world.inventory.unreferenced.extend(misplaced);
        if marked {
            world.mark(&path, at, MarkKind::Orphan);
        } else {
            world.marks.by_path.remove(path.as_str());
        }
    }
    for &lost in &random.lost {
        let name = FileName::of(&uuid(lost));
        let files: Vec<_> = world.inventory.references.with_name(&name).collect();
        for file in files {
            world.inventory.references.set(file, Found::Absent);
        }
    }
    for &(job, number) in &random.roots {
        world.root(&format!("{}/chk-{number}", JOBS[usize::from(job)]));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn p1_nothing_that_another_snapshot_names_is_condemned(random in random()) {
        let world = world(&random);
        let plan = world.plan();
        let expired: BTreeSet<usize> = plan
            .snapshots
            .iter()
            .filter(|entry| entry.verdict == Verdict::Expire)
            .map(|entry| entry.snapshot)
            .collect();
        let mut namers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (position, snapshot) in world.inventory.snapshots.iter().enumerate() {
            for reference in &snapshot.references {
                let name = world.inventory.references.name(reference.file).unwrap().to_string();
                namers.entry(name).or_default().insert(position);
            }
        }
        for entry in plan.entries.iter().filter(|entry| entry.decision.deletes()) {
            prop_assert_eq!(entry.base, BaseId(0));
            let name = entry.path.rsplit('/').next().unwrap();
            let directory = entry.placement.snapshot.as_ref().map(|snapshot| in_base(&snapshot.path));
            let home = world
                .inventory
                .snapshots
                .iter()
                .position(|snapshot| Some(&snapshot.location) == directory.as_ref());
            if let Decision::Orphan(_) = &entry.decision {
                prop_assert!(!namers.contains_key(name), "{}", entry.path);
            } else {
                let home = home.unwrap();
                prop_assert!(expired.contains(&home), "{}", entry.path);
                if name != "_metadata" {
                    prop_assert_eq!(&namers[name], &BTreeSet::from([home]));
                }
            }
        }
    }

    #[test]
    fn p2_the_newest_restorable_snapshot_of_every_lineage_survives(random in random()) {
        let world = world(&random);
        for lineage in [&[J0, J1][..], &[J2]] {
            let newest = world.with(|context| {
                context
                    .whole
                    .iter(&world.inventory)
                    .filter(|snapshot| {
                        let id = snapshot.job().unwrap().job_id.unwrap().to_string();
                        lineage.contains(&id.as_str())
                    })
                    .max_by_key(|snapshot| snapshot.completed)
                    .map(|snapshot| snapshot.location.path().trim_start_matches("/ckp/").to_owned())
            });
            if let Some(newest) = newest {
                prop_assert!(!world.expires(&newest), "{}", newest);
                let path = format!("{newest}/_metadata");
                prop_assert!(!world.condemned(&path));
            }
        }
    }

    #[test]
    fn p4_nothing_is_ripe_without_an_old_enough_mark_of_the_same_file(random in random()) {
        let world = world(&random);
        for entry in world.plan().entries.iter().filter(|entry| entry.ripeness == Ripeness::Ripe) {
            let mark = &world.marks.by_path[&entry.path];
            prop_assert_eq!(Some(mark.modified), entry.modified);
            prop_assert_eq!(mark.size, entry.size);
            prop_assert!(mark.since + world.policy.grace_period <= world.now);
            prop_assert!(mark.modified + world.policy.min_age <= world.now);
            prop_assert!(entry.decision.deletes());
        }
    }

    #[test]
    fn a_plan_is_the_same_for_the_same_world(random in random()) {
        let world = world(&random);
        prop_assert_eq!(format!("{:?}", world.plan()), format!("{:?}", world.plan()));
    }
}
