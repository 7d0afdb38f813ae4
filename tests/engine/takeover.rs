//! Two owners of one base, one call to the store at a time, in every order: exactly one acts, the other says so.

use crate::world::{JOB, World, at, orphan};
use async_trait::async_trait;
use bytes::Bytes;
use flink_retention::engine::journal::{Epoch, Journal, JournalError, OwnerId};
use flink_retention::engine::{Clock, Mode, Report};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use futures::stream::{BoxStream, StreamExt};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use storage::memory::MemoryStorage;
use storage::{
    Capabilities, Contents, Deletion, Entry, Key, Put, RemovedDirectory, Storage, StorageError,
    Version,
};

fn owned_by(world: &World, owner: &str) -> World {
    let mut other = world.clone();
    owner.clone_into(&mut other.owner);
    other
}

/// The journal of the base, through a store that may yield.
fn journal(storage: Arc<dyn Storage>) -> Journal {
    let base = Key::parse("ckp").unwrap();
    Journal::of(storage, &base, &at("/data/ckp")).unwrap()
}

async fn take_over(
    storage: Arc<dyn Storage>,
    owner: &str,
    world: &World,
) -> Result<Epoch, JournalError> {
    let journal = journal(storage);
    let seen = journal.latest_epoch().await?.unwrap();
    let owner = OwnerId(owner.to_owned());
    journal.take_over(&seen, &owner, world.now()).await
}

/// Every call waits for one more poll: whoever polls decides who of two goes first.
#[derive(Debug)]
struct Yielding(MemoryStorage);

async fn turn() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Storage for Yielding {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.0.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let directory = directory.clone();
        futures::stream::once(async move {
            turn().await;
            self.0.list_level(&directory)
        })
        .flatten()
        .boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        turn().await;
        self.0.stat(key).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        turn().await;
        self.0.read(key, limit).await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        turn().await;
        self.0.read_range(key, offset, length).await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        turn().await;
        self.0.delete_if_unchanged(key, expected).await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        turn().await;
        self.0.remove_empty_directory(key).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        turn().await;
        self.0.put_if_absent(key, contents).await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        turn().await;
        self.0.replace(key, contents).await
    }
}

/// So many polls of the first, so many of the second, then the first to its end, then the second. Also whether the first
/// and the second ended before their polls were used up: then later turns of theirs bring nothing new.
fn interleave<A, B>(
    (mut first, polls): (LocalBoxFuture<'_, A>, usize),
    (mut second, others): (LocalBoxFuture<'_, B>, usize),
) -> (A, B, bool, bool) {
    let mut context = Context::from_waker(Waker::noop());
    let mut some = |future: &mut LocalBoxFuture<'_, A>, polls: usize| {
        (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    };
    let a = some(&mut first, polls);
    let mut context = Context::from_waker(Waker::noop());
    let mut some = |future: &mut LocalBoxFuture<'_, B>, polls: usize| {
        (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    };
    let b = some(&mut second, others);
    let (first_ended, second_ended) = (a.is_some(), b.is_some());
    let a = a.unwrap_or_else(|| finish(first));
    let b = b.unwrap_or_else(|| finish(second));
    (a, b, first_ended, second_ended)
}

fn finish<T>(mut future: LocalBoxFuture<'_, T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}

/// Every way in which the second can come between two calls of the first, and be interrupted itself.
fn in_every_order(try_it: impl Fn(usize, usize) -> (bool, bool)) -> usize {
    let mut tried = 0;
    for polls in 0.. {
        let mut first_ended = false;
        for others in 0.. {
            let (first, second_ended) = try_it(polls, others);
            tried += 1;
            first_ended = first;
            if second_ended {
                break;
            }
        }
        if first_ended {
            break;
        }
    }
    tried
}

fn enforce(world: &World) -> LocalBoxFuture<'_, Report> {
    let storage = Arc::new(Yielding(world.storage.clone()));
    world.run_on(Mode::Enforce, storage).boxed_local()
}

fn is_told(report: &Report) -> bool {
    let words = ["BaseOwnedByAnother", "JournalUnusable"];
    let mut blocked = report.outcome.blocked.iter();
    blocked.any(|blocked| words.contains(&blocked.word()))
}

#[test]
fn of_two_that_find_a_base_without_owner_one_acts() {
    let tried = in_every_order(|polls, others| {
        let world = World::with_an_orphan();
        let (us, them) = (owned_by(&world, "us"), owned_by(&world, "them"));
        let (ours, theirs, first, second) =
            interleave((enforce(&us), polls), (enforce(&them), others));
        assert!(
            is_told(&ours) != is_told(&theirs),
            "{polls}/{others}: {:?} and {:?}",
            ours.outcome,
            theirs.outcome
        );
        let (winner, loser) = if is_told(&ours) {
            (them, us)
        } else {
            (us, them)
        };
        winner.wait(25);
        assert!(is_told(&finish(enforce(&loser))));
        assert_eq!(finish(enforce(&winner)).outcome.deleted.len(), 1);
        (first, second)
    });
    assert!(tried > 100, "{tried}");
}

#[test]
fn of_two_that_take_over_one_succeeds_and_the_other_is_told() {
    let tried = in_every_order(|polls, others| {
        let world = World::with_an_orphan();
        finish(enforce(&world));
        let storage = || Arc::new(Yielding(world.storage.clone()));
        let (one, other, first, second) = interleave(
            (take_over(storage(), "one", &world).boxed_local(), polls),
            (take_over(storage(), "other", &world).boxed_local(), others),
        );
        let winners = [&one, &other].map(Result::is_ok);
        // One after the other is no race: whoever looks later sees the new owner.
        if winners == [true, true] {
            assert_eq!(one.unwrap().number.abs_diff(other.unwrap().number), 1);
        } else {
            assert_ne!(winners, [false, false], "{polls}/{others}");
            let lost = one.err().or(other.err()).unwrap();
            assert_eq!(lost.category(), "taken_meanwhile");
        }
        (first, second)
    });
    assert!(tried > 20, "{tried}");
}

#[test]
fn whoever_is_replaced_stops_and_none_of_its_marks_counts() {
    let tried = in_every_order(|polls, others| {
        let world = World::with_an_orphan();
        finish(enforce(&world));
        world.wait(25);
        // The orphan is ripe by the marks of the former owner, who is about to delete it.
        let (us, them) = (owned_by(&world, "us"), owned_by(&world, "them"));
        let storage = Arc::new(Yielding(world.storage.clone()));
        let replace = async {
            let taken = take_over(storage, "them", &world).await;
            (taken, enforce(&them).await)
        };
        let (ours, (taken, theirs), first, second) =
            interleave((enforce(&us), polls), (replace.boxed_local(), others));
        let Ok(epoch) = taken else {
            // We were faster: the epoch that they saw is replaced by our own.
            assert!(is_told(&theirs) && !is_told(&ours), "{polls}/{others}");
            return (first, second);
        };
        assert_eq!(epoch.tenure, epoch.number);
        assert!(
            theirs.outcome.deleted.is_empty(),
            "{polls}/{others}: {theirs:?}"
        );
        assert!(
            is_told(&ours) || ours.outcome.deleted.len() == 1,
            "{polls}/{others}: {:?}",
            ours.outcome
        );
        // We know it now, whatever we did before.
        assert!(is_told(&finish(enforce(&us))));
        // They delete what they have marked themselves, a grace period later.
        let left = world.has(&orphan());
        world.wait(23);
        assert!(finish(enforce(&them)).outcome.deleted.is_empty());
        world.wait(25);
        assert_eq!(
            finish(enforce(&them)).outcome.deleted.len(),
            usize::from(left)
        );
        (first, second)
    });
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_slower_run_brings_back_no_mark_that_a_later_one_has_ended() {
    let orphan_key = Key::parse(&format!("ckp/{}", orphan())).unwrap();
    let tried = in_every_order(|polls, others| {
        let world = World::with_an_orphan();
        world.storage.keep_versions();
        finish(enforce(&world));
        world.wait(25);
        let (one, other, first, second) =
            interleave((enforce(&world), polls), (enforce(&world), others));
        assert!(
            !world.has(&orphan()),
            "{polls}/{others} {:?} {:?}",
            one.outcome,
            other.outcome
        );
        // A person wants it back, with the time that it had.
        assert!(world.storage.bring_back(&orphan_key));
        let deleted = finish(enforce(&world)).outcome.deleted;
        assert!(
            deleted.is_empty(),
            "{polls}/{others}: {:?} {:?}",
            one.outcome,
            other.outcome
        );
        world.wait(25);
        assert_eq!(finish(enforce(&world)).outcome.deleted.len(), 1);
        (first, second)
    });
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_new_owner_sees_for_itself_since_when_a_job_is_restorable_or_without_processes() {
    let world = World::with_an_orphan();
    finish(enforce(&world));
    let storage: Arc<dyn Storage> = Arc::new(world.storage.clone());
    let before = finish(async { journal(Arc::clone(&storage)).latest_epoch().await }.boxed_local());
    let before = before.unwrap().unwrap();
    let journal_of = || journal(Arc::clone(&storage));
    let (marks, mut baselines) =
        finish(async { journal_of().read(&before).await }.boxed_local()).unwrap();
    assert_eq!(
        (marks.by_path.len(), baselines.restorable_since.len()),
        (1, 1)
    );
    // What lets files go, and what only protects.
    let job = JOB.parse().unwrap();
    baselines.stopped_since.insert(job, world.now());
    baselines.counters.insert("map".to_owned(), 7);
    finish(async { journal_of().write(&before, &marks, &baselines).await }.boxed_local()).unwrap();
    let epoch = finish(take_over(Arc::clone(&storage), "them", &world).boxed_local()).unwrap();
    let (marks, baselines) =
        finish(async { journal(storage).read(&epoch).await }.boxed_local()).unwrap();
    assert!(marks.by_path.is_empty() && baselines.restorable_since.is_empty());
    assert!(baselines.stopped_since.is_empty());
    assert_eq!(baselines.counters.len(), 1);
}
