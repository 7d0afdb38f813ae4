#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::future::join_all;
use tokio::time::{Duration, Instant};

use super::calls::{DELETION_WAITS, GivenUp, SILENCE, WHILE_HANGING};
use super::{PAGE, Patience, Patient};
use crate::budgeted::SMALL;
use crate::contract::Fixture;
use crate::faults::{Fault, FaultInjecting};
use crate::memory::MemoryStorage;
use crate::port::{Deletion, Key, Storage, StorageError, Version};

const PATIENCE: Duration = Patience::LONGEST;

/// How many calls of a volume are under way at once.
fn threads() -> usize {
    GivenUp::GoesOn.at_once()
}

fn volume(inner: impl Storage + 'static) -> Patient {
    Patience::default().volume(Arc::new(inner))
}

/// None of whose calls has an answer for so long.
fn slow(duration: Duration) -> FaultInjecting<MemoryStorage> {
    FaultInjecting::new(memory(), move |_| Fault::Delay(duration))
}

/// None of whose calls has an answer; and how many there were.
fn counted() -> (FaultInjecting<MemoryStorage>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let hangs = FaultInjecting::new(memory(), move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Fault::Hang { after: 0 }
    });
    (hangs, asked)
}

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

/// With a file `d/a`.
fn memory() -> MemoryStorage {
    let memory = crate::memory::tests::ticking();
    memory.insert_file(&key("d/a"), "a");
    memory
}

/// None of whose calls has an answer.
fn hanging() -> Patient {
    volume(counted().0)
}

#[tokio::test(start_paused = true)]
async fn each_call_ends_and_says_what_is_not_known() {
    let a = key("d/a");
    let version = Version {
        size: 1,
        modified: Some(jiff::Timestamp::UNIX_EPOCH),
        etag: None,
    };
    let may = "may still do it";
    let begun = Instant::now();
    let answers = [
        (hanging().stat(&a).await.map(|_| ()), None),
        (hanging().read(&a, 1).await.map(|_| ()), None),
        (hanging().read_range(&a, 0, 1).await.map(|_| ()), None),
        (
            hanging()
                .list_level(&key("d"))
                .try_collect::<Vec<_>>()
                .await
                .map(|_| ()),
            None,
        ),
        (
            hanging()
                .delete_if_unchanged(&a, &version)
                .await
                .map(|_| ()),
            Some(may),
        ),
        (
            hanging()
                .remove_empty_directory(&key("d"))
                .await
                .map(|_| ()),
            Some(may),
        ),
        (
            hanging().put_if_absent(&a, "a".into()).await.map(|_| ()),
            Some(may),
        ),
        (hanging().replace(&a, "a".into()).await, Some(may)),
    ];
    assert_eq!(begun.elapsed(), PATIENCE * 8);
    for (answer, unknown) in answers {
        let error = answer.unwrap_err();
        let StorageError::NoAnswer { .. } = error else {
            panic!("{error}");
        };
        assert_eq!(error.category(), "no_answer");
        let text = error.to_string();
        assert!(text.contains("has not answered within 60 s"), "{text}");
        assert!(text.contains("is the server behind it up?"), "{text}");
        assert_eq!(text.contains(may), unknown.is_some(), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_hangs_takes_so_many_calls_and_costs_little_time() {
    let (hangs, asked) = counted();
    let store = volume(hangs);
    let begun = Instant::now();
    for number in 0..1000 {
        let error = store.stat(&key("d/a")).await.unwrap_err();
        let is_asked = matches!(error, StorageError::NoAnswer { .. });
        assert_eq!(is_asked, number < threads(), "{number}: {error}");
        assert_eq!(error.category(), "no_answer");
    }
    assert_eq!(asked.load(Ordering::Relaxed), threads());
    let others = u32::try_from(threads() - 1).unwrap();
    assert_eq!(begun.elapsed(), PATIENCE + WHILE_HANGING * others);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_earlier_frees_no_place() {
    let (hangs, asked) = counted();
    let store = volume(hangs);
    // As the looks at high-availability data do, with a patience of their own.
    let a = key("d/a");
    for _ in 0..200 {
        let read = store.read(&a, 1);
        let _ = tokio::time::timeout(Duration::from_secs(20), read).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), threads());
}

#[tokio::test(start_paused = true)]
async fn it_answers_as_before_once_the_volume_is_back() {
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = Arc::clone(&gone);
    let away = FaultInjecting::new(memory(), move |_| {
        if is_gone.load(Ordering::Relaxed) {
            Fault::Delay(Duration::from_hours(1))
        } else {
            Fault::None
        }
    });
    let store = volume(away);
    let (a, limit) = (key("d/a"), 1);
    let reads = join_all((0..100).map(|_| store.read(&a, limit))).await;
    assert!(reads.iter().all(Result::is_err));
    gone.store(false, Ordering::Relaxed);
    store.stat(&a).await.unwrap_err();
    // The calls that hung end, and so does what they were.
    tokio::time::sleep(Duration::from_hours(1)).await;
    let begun = Instant::now();
    let reads = join_all((0..100).map(|_| store.read(&a, limit))).await;
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_stops_half_way_fails_and_frees_no_place() {
    let memory = memory();
    for number in 0..2 * PAGE {
        memory.insert_file(&key(&format!("d/{number}")), "");
    }
    let hangs = FaultInjecting::new(memory, |_| Fault::Hang { after: PAGE + 1 });
    let store = volume(hangs);
    for number in 0..=threads() {
        let mut seen = 0;
        let listed = store.list_level(&key("d")).try_for_each(|_| {
            seen += 1;
            std::future::ready(Ok(()))
        });
        let error = listed.await.unwrap_err();
        assert_eq!(error.category(), "no_answer");
        let asked = number < threads();
        assert_eq!(seen, if asked { PAGE } else { 0 }, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn listings_that_nobody_goes_on_with_take_no_place() {
    let memory = memory();
    for number in 0..3 * PAGE {
        memory.insert_file(&key(&format!("d/{number}")), "");
    }
    let store = volume(memory);
    let directory = key("d");
    let mut begun = Vec::new();
    for _ in 0..2 * threads() {
        let mut listing = store.list_level(&directory);
        listing.try_next().await.unwrap().unwrap();
        begun.push(listing);
    }
    store.stat(&key("d/a")).await.unwrap().unwrap();
    for listing in begun {
        let rest: Vec<_> = listing.try_collect().await.unwrap();
        assert_eq!(rest.len(), 3 * PAGE);
    }
}

/// A file whose deletion was not answered in time: whether it is there an hour later.
async fn is_there_after_a_slow_deletion(
    make: impl Fn(&Patience, Arc<dyn Storage>) -> Patient,
) -> bool {
    let (a, slow) = (key("d/a"), slow(Duration::from_secs(90)));
    let memory = slow.inner().clone();
    let version = memory.stat(&a).await.unwrap().unwrap().version;
    let store = make(&Patience::default(), Arc::new(slow));
    let error = store.delete_if_unchanged(&a, &version).await.unwrap_err();
    assert!(error.to_string().contains("may still do it"), "{error}");
    tokio::time::sleep(Duration::from_hours(1)).await;
    memory.stat(&a).await.unwrap().is_some()
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_called_off_where_that_can_be_done() {
    let called_off = |patience: &Patience, inner: Arc<dyn Storage>| patience.bucket("b", inner);
    assert!(is_there_after_a_slow_deletion(called_off).await);
    assert!(!is_there_after_a_slow_deletion(Patience::volume).await);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_hangs_is_known_by_its_name_for_a_while() {
    let patience = Patience::default();
    let (a, (hangs, asked)) = (key("d/a"), counted());
    let hangs: Arc<dyn Storage> = Arc::new(hangs);
    let took = async |name: &str| {
        let (store, begun) = (patience.bucket(name, Arc::clone(&hangs)), Instant::now());
        store.stat(&a).await.unwrap_err();
        begun.elapsed()
    };
    assert_eq!(took("one").await, PATIENCE);
    assert_eq!(took("one").await, WHILE_HANGING);
    assert_eq!(took("two").await, PATIENCE);
    // Nobody has asked for long: it gets its time again, and is asked.
    tokio::time::sleep(SILENCE * 2).await;
    assert_eq!(took("one").await, PATIENCE);
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    tokio::time::sleep(SILENCE * 2).await;
    let known = patience.bucket("three", Arc::clone(&hangs));
    assert_eq!(patience.known(), ["three"], "{known:?}");
}

#[tokio::test(start_paused = true)]
async fn what_hangs_keeps_little_in_memory() {
    let hangs = hanging();
    let a = key("d/a");
    let asked = |error: StorageError| matches!(error, StorageError::NoAnswer { .. });
    assert!(asked(hangs.read(&a, SMALL + 1).await.unwrap_err()));
    assert!(!asked(hangs.read(&a, SMALL + 1).await.unwrap_err()));
    assert!(!asked(
        hangs.read_range(&a, 0, SMALL + 1).await.unwrap_err()
    ));
    assert!(asked(hangs.read(&a, SMALL).await.unwrap_err()));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_does_not_wait_long_for_its_place() {
    let (a, store) = (key("d/a"), volume(slow(Duration::from_secs(30))));
    let version = Version {
        size: 1,
        modified: Some(jiff::Timestamp::UNIX_EPOCH),
        etag: None,
    };
    let reads = join_all((0..threads()).map(|_| store.read(&a, 1)));
    let delete = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        let error = store.delete_if_unchanged(&a, &version).await.unwrap_err();
        assert!(matches!(error, StorageError::NotAsked { .. }), "{error}");
        assert_eq!(begun.elapsed(), DELETION_WAITS);
    };
    let (reads, ()) = futures::future::join(reads, delete).await;
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    let changed = store.delete_if_unchanged(&a, &version).await.unwrap();
    assert!(matches!(changed, Deletion::Changed { .. }), "{changed:?}");
}

/// Patience changes nothing but the time.
#[derive(Debug)]
struct Waited(MemoryStorage);

#[async_trait]
impl Fixture for Waited {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(Patience::default().volume(self.0.store()))
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        Fixture::write(&self.0, key, bytes).await;
    }

    async fn remove(&self, key: &Key) {
        Fixture::remove(&self.0, key).await;
    }
}

crate::contract_tests!(async { Waited(crate::memory::tests::ticking()) });
