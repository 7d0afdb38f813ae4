//! P1 across bases: whoever was seen to name files of a base is remembered, and protects them until it is known that he
//! does not any more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use retention::guard::Guard;
use retention::inventory::{Base, BaseId, Listing, Reading};
use retention::layout::place;
use retention::location::Location;
use retention::mark::Referrer;
use retention::policy::Exclusive;
use rstest::rstest;
use support::*;

fn base(at: &str, reading: Reading) -> Base {
    Base {
        location: location(at),
        reading,
        listing: Listing::NotAsked,
        apart: Vec::new(),
    }
}

/// A base `/other`, in which a checkpoint of another job names the leaked file of a finished one.
fn other_names(world: &mut World, names: &[&str]) {
    world.inventory.bases.push(base("/other", Reading::Whole));
    let snapshot = world.snapshot(&format!("{J2}/chk-3"), NOW - 60, names);
    snapshot.location = location(&format!("/other/{J2}/chk-3"));
    let place = snapshot.place.as_mut().unwrap();
    place.base = BaseId(1);
}

fn remembered(world: &World) -> Vec<Location> {
    let (_, baselines) = world.next().unwrap();
    let referrers = baselines.referrers.into_iter();
    referrers.map(|referrer| referrer.directory).collect()
}

fn remembering(at: &str) -> World {
    let mut world = World::ripe_terminal();
    assert!(world.goes(&shared(J1, F)));
    world.baselines.referrers = vec![Referrer {
        directory: location(at),
        last_seen: minute(NOW - 1440),
        unnamed_since: None,
    }];
    world
}

#[test]
fn who_names_a_file_here_is_remembered() {
    let mut world = World::ripe_terminal();
    assert_eq!(remembered(&world), []);
    other_names(&mut world, &[&shared(J1, F)]);
    assert_eq!(remembered(&world), [location("/other")]);
    world.remember();
    assert_eq!(world.baselines.referrers[0].last_seen, world.now);
}

#[test]
fn who_names_nothing_here_is_not() {
    let mut world = World::ripe_terminal();
    other_names(&mut world, &["../other/x"]);
    let elsewhere = location("/elsewhere");
    let file = world.inventory.references.insert(&elsewhere, &uuid(77));
    world.inventory.snapshots.last_mut().unwrap().references[0].file = file;
    world
        .inventory
        .snapshots
        .last_mut()
        .unwrap()
        .references
        .truncate(1);
    assert_eq!(remembered(&world), []);
}

/// By another path, or from before the directory was moved.
#[test]
fn who_names_a_file_by_another_place_is_remembered_too() {
    let mut world = World::ripe_terminal();
    other_names(&mut world, &[]);
    let moved = location("/before").join(J1).join("shared");
    let file = world.inventory.references.insert(&moved, &uuid(78));
    let reference = retention::reference::Reference {
        file,
        required: retention::reference::Required::PRESENT,
    };
    let snapshot = world.inventory.snapshots.last_mut().unwrap();
    snapshot.references.push(reference);
    assert_eq!(remembered(&world), []);
    world.list(&shared(J1, 78), NOW - 4000);
    assert_eq!(remembered(&world), [location("/other")]);
}

#[rstest]
#[case::a_checkpoint(format!("/other/{J2}/chk-3"))]
#[case::a_savepoint("/other/savepoint-0000a2-0123456789ab".to_owned())]
fn a_single_snapshot_is_remembered_by_where_its_job_keeps_them(#[case] at: String) {
    let mut world = World::ripe_terminal();
    other_names(&mut world, &[&shared(J1, F)]);
    world.inventory.bases[1].location = location(&at);
    let snapshot = world.inventory.snapshots.last_mut().unwrap();
    snapshot.location = location(&at);
    snapshot.place.as_mut().unwrap().placement = place("_metadata");
    assert_eq!(remembered(&world), [location("/other")]);
}

#[test]
fn who_is_not_looked_into_protects_the_whole_base() {
    let world = remembering("/other");
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
    assert_eq!(remembered(&world), [location("/other")]);
    // Not as of now: nobody has seen it.
    assert!(world.next().unwrap().1.referrers[0].last_seen < world.now);
}

#[rstest]
#[case::read(Reading::Whole, true, true)]
#[case::torn(Reading::ButTorn, true, false)]
#[case::in_part(Reading::Partly, false, false)]
#[case::like_a_volume_that_is_not_mounted(Reading::Bare, false, false)]
#[case::not_at_all(Reading::Failed, false, false)]
fn only_who_was_read_is_in_time_done_with(
    #[case] reading: Reading,
    #[case] goes: bool,
    #[case] forgotten: bool,
) {
    const WEEK: i64 = 7 * 24 * 60;
    for (known, at) in [("/other", "/other"), ("/other/team", "/other")] {
        let mut world = remembering(known);
        world.inventory.bases.push(base(at, reading));
        assert_eq!(world.goes(&shared(J1, F)), goes);
        assert_eq!(remembered(&world), [location(known)]);
        world.remember();
        let read = world.baselines.referrers[0].unnamed_since;
        assert_eq!(read, forgotten.then_some(world.now));
        world.now = minute(NOW + WEEK - 1);
        assert_eq!(remembered(&world), [location(known)]);
        world.now = minute(NOW + WEEK);
        assert_eq!(remembered(&world).is_empty(), forgotten);
    }
}

/// Restored from a backup step by step, say.
#[test]
fn who_named_nothing_for_a_while_is_remembered_as_before() {
    let mut world = World::ripe_terminal();
    other_names(&mut world, &[]);
    world.baselines.referrers = vec![Referrer {
        directory: location("/other"),
        last_seen: minute(NOW - 1440),
        unnamed_since: Some(minute(NOW - 60)),
    }];
    let mut gone = world.clone();
    gone.inventory.bases.pop();
    gone.inventory.snapshots.pop();
    assert_eq!(gone.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
    let mut restored = World::ripe_terminal();
    restored.baselines = world.baselines.clone();
    other_names(&mut restored, &[&shared(J1, F)]);
    restored.remember();
    assert_eq!(restored.baselines.referrers[0].unnamed_since, None);
}

#[rstest]
#[case::a_part_of_it("/other/inner")]
#[case::a_namesake("/other2")]
#[case::where_only_data_files_are_looked_for("/")]
fn another_base_says_nothing_about_it(#[case] at: &str) {
    let mut world = remembering(&format!("/other/{J2}/shared/x"));
    world.inventory.bases.push(base(at, Reading::Whole));
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
}

/// That it named files here is what the administrator denies.
#[test]
fn what_was_seen_counts_more_than_an_exclusive_base() {
    let mut world = remembering("/other");
    let namespace = world.job().name.namespace.clone();
    world.policy.exclusive.push(Exclusive {
        location: location("/ckp"),
        namespace,
    });
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
}
