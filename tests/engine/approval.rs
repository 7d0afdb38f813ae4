//! A person agrees to exact files: of them go those that fresh evidence condemns again, and nothing else.

use crate::world::{JOB, OLD_JOB, World, terminal, uuid};
use flink_retention::engine::report::Asked;
use flink_retention::engine::{Blocked, Consent, Report};
use storage::Key;

fn shared(number: u64) -> String {
    format!("{JOB}/shared/{}", uuid(number))
}

/// A checkpoint that names file 1, and files 2 and 3 that nobody names, marked a day ago.
async fn ripe() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    for number in [2, 3] {
        world.file(&shared(number), 100);
    }
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    world
}

async fn ask(world: &mut World) -> Asked {
    world.consent = Consent::Asked;
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    report.outcome.asked.unwrap()
}

async fn approve(world: &mut World, asked: &Asked) -> Report {
    world.consent = Consent::Approved(asked.digest.clone());
    world.enforce().await
}

fn plan_documents(world: &World) -> Vec<(Key, Vec<u8>)> {
    let files = world.storage.files().into_iter();
    files
        .filter(|(key, _)| key.as_str().contains("/plans/"))
        .map(|(key, bytes)| (key, bytes.to_vec()))
        .collect()
}

#[tokio::test]
async fn what_is_asked_for_is_written_down_and_nothing_goes() {
    let mut world = ripe().await;
    let before = world.paths();
    let asked = ask(&mut world).await;
    assert_eq!(world.paths(), before);
    assert_eq!((asked.files.files, asked.files.bytes), (2, 200));
    assert!(
        asked
            .location
            .starts_with("file:/data/ckp/.flink-retention/plans/"),
        "{}",
        asked.location
    );
    assert_eq!(ask(&mut world).await.digest, asked.digest, "same files");
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.deleted.len(), 2);
    assert!(world.has(&shared(1)));
    let again = approve(&mut world, &asked).await;
    assert!(again.outcome.deleted.is_empty() && again.outcome.blocked.is_empty());
}

#[tokio::test]
async fn only_approved_files_go_though_more_became_ripe() {
    let mut world = ripe().await;
    world.file(&shared(4), 100);
    world.wait(25);
    world.enforce_with(Consent::Asked).await;
    let asked = ask(&mut world).await;
    assert_eq!(asked.files.files, 2, "the third one is not ripe yet");
    world.wait(25);
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.deleted.len(), 2);
    assert!(world.has(&shared(4)));
    assert!(!world.has(&shared(2)) && !world.has(&shared(3)));
}

#[tokio::test]
async fn an_approved_file_that_is_needed_or_another_one_by_now_stays() {
    let mut world = ripe().await;
    let asked = ask(&mut world).await;
    world.checkpoint(JOB, 10, &[&uuid(1), &uuid(2)]);
    // Written anew, and ripe again.
    world.file(&shared(3), 100);
    world.enforce_with(Consent::Asked).await;
    world.wait(49);
    let report = approve(&mut world, &asked).await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&shared(2)) && world.has(&shared(3)));
    world.consent = Consent::Given;
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn a_file_that_becomes_needed_while_it_is_verified_stays() {
    let mut world = ripe().await;
    let asked = ask(&mut world).await;
    world.at_observation(3, |world| {
        world.checkpoint(JOB, 10, &[&uuid(2)]);
    });
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.deleted.len(), 1);
    assert!(world.has(&shared(2)) && !world.has(&shared(3)));
}

#[tokio::test]
async fn a_plan_that_was_lost_or_tampered_with_deletes_nothing() {
    let mut world = ripe().await;
    let asked = ask(&mut world).await;
    let before = world.paths();
    let documents = plan_documents(&world);
    assert_eq!(documents.len(), 1);
    let (key, bytes) = documents.first().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let other = text.replace(&uuid(3), &uuid(4));
    assert_ne!(other, text);
    world.storage.insert_file(key, other.into_bytes());
    world.file(&shared(4), 100);
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.blocked[0].word(), "PlanNotFound");
    assert!(report.outcome.deleted.is_empty());
    // A document of a later version of this program.
    let later = text.replace(r#""formatVersion":1"#, r#""formatVersion":2"#);
    assert_ne!(later, text);
    world.storage.insert_file(key, later.into_bytes());
    let report = approve(&mut world, &asked).await;
    let words: Vec<_> = report.outcome.blocked.iter().map(Blocked::word).collect();
    assert_eq!(words, ["JournalUnusable", "PlanNotFound"]);
    assert!(before.iter().all(|path| world.has(path)));
}

#[tokio::test]
async fn a_limit_bounds_what_is_asked_for() {
    let mut world = ripe().await;
    world.policy.limits.max_bytes_per_run = Some(100);
    let asked = ask(&mut world).await;
    assert_eq!(asked.files.files, 1);
    world.policy.limits.max_bytes_per_run = None;
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn an_old_plan_is_forgotten() {
    let mut world = ripe().await;
    let first = ask(&mut world).await;
    // Another plan, much later.
    world.checkpoint(JOB, 10, &[&uuid(1), &uuid(3)]);
    world.wait(9 * 24);
    let asked = ask(&mut world).await;
    assert_eq!(asked.files.files, 1);
    let report = approve(&mut world, &first).await;
    let words: Vec<_> = report.outcome.blocked.iter().map(Blocked::word).collect();
    assert_eq!(words, ["PlanNotFound"]);
}

/// Two jobs, of which one holds most.
async fn two_jobs() -> World {
    let mut world = World::new();
    world.policy.limits.max_referenced_shrink_percent = Some(50);
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.checkpoint(OLD_JOB, 5, &[&uuid(5), &uuid(6), &uuid(7)]);
    world.file(&shared(2), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    let first = world.enforce().await;
    assert!(first.outcome.blocked.is_empty(), "{:?}", first.outcome);
    world.wait(25);
    world
}

fn contents(world: &World, key: &Key) -> Vec<u8> {
    let mut files = world.storage.files().into_iter();
    files.find(|(found, _)| found == key).unwrap().1.to_vec()
}

fn lose_old_job(world: &World) {
    let metadata = Key::parse(&format!("ckp/{OLD_JOB}/chk-5/_metadata")).unwrap();
    world.storage.remove(&metadata);
}

#[tokio::test]
async fn a_base_that_shrinks_stops_the_run_until_a_person_agrees() {
    let mut world = two_jobs().await;
    lose_old_job(&world);
    let before = world.paths();
    let report = world.enforce().await;
    let blocked = &report.outcome.blocked[0];
    assert_eq!(blocked.word(), "ReferencedShrank");
    let text = blocked.to_string();
    for part in [
        "file:/data/ckp: ",
        "referenced bytes: 15 (at the last completed run 50)",
        "savepoints: 1 (2)",
        "more than 50 %",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(world.paths(), before);
    let asked = report.outcome.asked.unwrap();
    assert_eq!(asked.files.files, 1);

    // It asks again, also if the limit is looser than the loss of a job.
    let again = world.enforce().await;
    assert_eq!(again.outcome.blocked[0].word(), "ReferencedShrank");

    // Approved: that size is right now, and what was ripe goes.
    let report = approve(&mut world, &asked).await;
    assert!(report.outcome.blocked.is_empty(), "{:?}", report.outcome);
    assert_eq!(report.outcome.deleted.len(), 1);
    world.consent = Consent::Given;
    assert!(world.enforce().await.outcome.blocked.is_empty());
}

#[tokio::test]
async fn an_accepted_shrink_does_not_cover_a_further_one() {
    let mut world = two_jobs().await;
    lose_old_job(&world);
    let asked = world.enforce().await.outcome.asked.unwrap();
    let metadata = Key::parse(&format!("ckp/{JOB}/chk-9/_metadata")).unwrap();
    world.storage.remove(&metadata);
    let report = approve(&mut world, &asked).await;
    assert_eq!(report.outcome.blocked[0].word(), "ReferencedShrank");
    assert!(report.outcome.deleted.is_empty());
    assert_ne!(report.outcome.asked.unwrap().digest, asked.digest);
}

#[tokio::test]
async fn nothing_is_marked_while_a_base_has_shrunk_and_it_heals_by_itself() {
    let world = two_jobs().await;
    let metadata = Key::parse(&format!("ckp/{OLD_JOB}/chk-5/_metadata")).unwrap();
    let bytes = contents(&world, &metadata);
    lose_old_job(&world);
    world.file(&shared(3), 100);
    world.enforce().await;
    world.wait(49);
    world.storage.insert_file(&metadata, bytes);
    let report = world.enforce().await;
    assert!(report.outcome.blocked.is_empty(), "{:?}", report.outcome);
    assert_eq!(report.outcome.deleted.len(), 1);
    assert!(world.has(&shared(3)), "it was marked only now");
}
