//! Whoever copies the directory of a job into a directory of its own below the base wants it kept: Flink makes job
//! directories right in the base and nowhere else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use retention::guard::Guard;
use retention::keep::KeepRules;
use retention::mark::MarkKind;
use rstest::rstest;
use support::*;

/// Two old checkpoints of a finished job, of which the rules keep one, and a copy of its directory.
fn world(at: &str) -> World {
    let mut world = World::empty().with_job(terminal(J1));
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(1),
        keep_within: None,
    });
    for (number, name, time) in [(4, 4, 4000), (5, 5, 5000)] {
        let directory = format!("{J1}/chk-{number}");
        world.snapshot(&directory, time, &[&own(J1, number, name), &shared(J1, 9)]);
        world.mark(&format!("{directory}/_metadata"), time, MarkKind::Expired);
        let copy = format!("{at}/{directory}");
        // Relative handles follow the copy, absolute ones do not.
        let file = format!("{copy}/{}", uuid(name));
        world.snapshot(&copy, time, &[&file, &shared(J1, 9)]);
        world.mark(&format!("{copy}/_metadata"), time, MarkKind::Expired);
        world.mark(&file, time, MarkKind::Expired);
    }
    world
}

#[rstest]
#[case::below_the_base("backup")]
#[case::deep_below_it("a/b/c")]
#[case::in_the_directory_of_the_job(J1)]
#[case::in_that_of_another(J2)]
fn a_copy_stays_when_its_original_goes(#[case] at: &str) {
    let world = world(at);
    assert!(world.expires(&format!("{J1}/chk-4")));
    for (number, name) in [(4, 4), (5, 5)] {
        let copy = format!("{at}/{J1}/chk-{number}");
        assert!(!world.expires(&copy));
        assert!(!world.condemned(&format!("{copy}/_metadata")));
        assert!(!world.condemned(&format!("{copy}/{}", uuid(name))));
    }
}

#[test]
fn what_nobody_names_in_a_copy_stays_too() {
    let mut world = world("backup");
    let file = format!("backup/{J1}/shared/{}", uuid(8));
    world.list(&file, 100);
    world.mark(&file, 100, MarkKind::Orphan);
    world.list(&shared(J1, 7), 100);
    world.mark(&shared(J1, 7), 100, MarkKind::Orphan);
    assert_eq!(world.guard(&file), Some(Guard::UnknownOwner));
    assert!(world.goes(&shared(J1, 7)));
}

/// A copy is as young as the day on which it was made: one of an old checkpoint must not push out a newer one.
#[test]
fn a_younger_copy_counts_for_nothing() {
    let mut world = world("backup");
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(2),
        keep_within: None,
    });
    let kept = |world: &World| !world.expires(&format!("{J1}/chk-4"));
    assert!(kept(&world));
    let oldest = format!("{J1}/chk-3");
    world.snapshot(&oldest, 3000, &[&shared(J1, 9)]);
    assert!(world.expires(&oldest));
    world.snapshot(&format!("backup/{oldest}"), NOW - 100, &[&shared(J1, 9)]);
    assert!(kept(&world));
    assert!(world.expires(&oldest));
}

/// A base that was configured before, or that the job really uses, is one as well.
#[test]
fn every_directory_that_a_job_is_known_to_use_holds_job_directories() {
    let mut world = world("older");
    world.job().bases.push(in_base("older"));
    assert!(world.expires(&format!("older/{J1}/chk-4")));
}
