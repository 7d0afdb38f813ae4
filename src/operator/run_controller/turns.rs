//! Which runs work beside each other. Two on one directory would take each other's marks for their own, so these go one
//! after the other.

use std::num::NonZeroUsize;

use retention::location::{Location, Store};
use tokio::sync::watch;

use crate::engine::Mode;
use crate::operator::endpoint::Endpoint;

/// What a run is about to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) namespace: String,
    pub(super) bases: Vec<Location>,
    /// Where a tenant's buckets are, if he says so: buckets of one name at two endpoints are two.
    pub(super) endpoints: Vec<Endpoint>,
    /// Those that only look are in nobody's way.
    pub(super) mode: Mode,
    /// It was broken off before, so nobody begins beside it: if it needs more memory than there is, it takes none with
    /// it, and if another one did, it gets through.
    pub(super) alone: bool,
}

/// The runs that work and those that wait.
#[derive(Debug)]
pub(super) struct Turns(watch::Sender<Queue>);

#[derive(Debug)]
struct Queue {
    at_once: NonZeroUsize,
    next: u64,
    /// In the order in which they came.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    ticket: u64,
    claim: Claim,
    works: bool,
}

/// The place of a run in the queue, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    turns: &'a Turns,
    ticket: u64,
}

/// A run's turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(Place<'a>);

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// Another run has this directory, or waits longer for it.
    Directory(Location),
    /// Others have all the room there is, or are to have it first.
    Room(NonZeroUsize),
    /// One works that was broken off before.
    Solitude,
}

impl Turns {
    pub(super) fn new(at_once: NonZeroUsize) -> Self {
        Self(watch::Sender::new(Queue {
            at_once,
            next: 0,
            entries: Vec::new(),
        }))
    }

    /// A turn at once, or a place at the end of the queue and what this waits for.
    pub(super) fn queue(&self, claim: Claim) -> Result<Turn<'_>, (Place<'_>, WaitsFor)> {
        let (mut ticket, mut why) = (0, None);
        self.0.send_modify(|queue| {
            ticket = queue.next;
            queue.next += 1;
            queue.entries.push(Entry {
                ticket,
                claim,
                works: false,
            });
            queue.admit();
            why = queue.obstacle(ticket);
        });
        let place = Place {
            turns: self,
            ticket,
        };
        match why {
            None => Ok(Turn(place)),
            Some(why) => Err((place, why)),
        }
    }
}

impl<'a> Place<'a> {
    /// Waits until it may begin.
    pub(super) async fn turn(self) -> Turn<'a> {
        let mut changes = self.turns.0.subscribe();
        let works = |queue: &Queue| queue.works(self.ticket);
        let is_gone = changes.wait_for(works).await.is_err();
        if is_gone {
            // It lives in what this borrows.
            std::future::pending::<()>().await;
        }
        Turn(self)
    }
}

impl Turn<'_> {
    /// Whether all of this is held already.
    pub(super) fn covers(&self, claim: &Claim) -> bool {
        let queue = self.0.turns.0.borrow();
        let held = queue.entry(self.0.ticket).map(|entry| &entry.claim);
        held.is_some_and(|held| {
            let Claim {
                namespace,
                bases,
                endpoints,
                mode,
                alone,
            } = held;
            *namespace == claim.namespace
                && *endpoints == claim.endpoints
                && *mode == claim.mode
                && *alone == claim.alone
                && claim.bases.iter().all(|base| bases.contains(base))
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.0.send_modify(|queue| {
            queue.entries.retain(|entry| entry.ticket != self.ticket);
            queue.admit();
        });
    }
}

impl Queue {
    fn entry(&self, ticket: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.ticket == ticket)
    }

    fn works(&self, ticket: u64) -> bool {
        self.entry(ticket).is_some_and(|entry| entry.works)
    }

    /// Lets begin whoever may now.
    fn admit(&mut self) {
        loop {
            let waiting = self.entries.iter().filter(|entry| !entry.works);
            let free = waiting.filter(|entry| {
                self.has_room(&entry.claim) && self.taken(entry).is_none() && !self.is_kept_out()
            });
            let first =
                free.min_by_key(|entry| (self.working_in(&entry.claim.namespace), entry.ticket));
            let Some(first) = first.map(|entry| entry.ticket) else {
                return;
            };
            for entry in &mut self.entries {
                entry.works |= entry.ticket == first;
            }
        }
    }

    /// What it waits for, if for anything.
    fn obstacle(&self, ticket: u64) -> Option<WaitsFor> {
        let own = self.entry(ticket).filter(|entry| !entry.works)?;
        if let Some(base) = self.taken(own) {
            return Some(WaitsFor::Directory(base));
        }
        Some(if self.is_kept_out() {
            WaitsFor::Solitude
        } else {
            WaitsFor::Room(self.at_once)
        })
    }

    /// A directory of it that another run works in, or waits longer for.
    fn taken(&self, own: &Entry) -> Option<Location> {
        self.entries
            .iter()
            .filter(|other| other.ticket != own.ticket)
            .filter(|other| other.works || other.ticket < own.ticket)
            .find_map(|other| own.claim.shared_with(&other.claim))
            .cloned()
    }

    fn is_kept_out(&self) -> bool {
        let mut working = self.entries.iter().filter(|entry| entry.works);
        working.any(|entry| entry.claim.alone)
    }

    /// The last room is for a namespace that has none.
    fn has_room(&self, claim: &Claim) -> bool {
        let working = self.entries.iter().filter(|entry| entry.works).count();
        match self.at_once.get().saturating_sub(working) {
            0 => false,
            1 => self.working_in(&claim.namespace) == 0,
            _ => true,
        }
    }

    fn working_in(&self, namespace: &str) -> usize {
        let working = self.entries.iter().filter(|entry| entry.works);
        working
            .filter(|entry| entry.claim.namespace == namespace)
            .count()
    }
}

impl Claim {
    /// A directory of this that may be one of the other's, or above or below one.
    fn shared_with(&self, other: &Self) -> Option<&Location> {
        let one_looks = self.mode == Mode::DryRun || other.mode == Mode::DryRun;
        let both_look = self.mode == Mode::DryRun && other.mode == Mode::DryRun;
        let is_own = self.namespace == other.namespace;
        // What somebody else's run sees while files go is his to bear: he must not hold up those who delete.
        if both_look || (one_looks && !is_own) || (!is_own && self.is_elsewhere(other)) {
            return None;
        }
        self.bases.iter().find(|own| {
            let mut others = other.bases.iter();
            others.any(|base| may_meet(own, base))
        })
    }

    /// Nobody may hold up the runs of others by naming their buckets at a server of his own.
    fn is_elsewhere(&self, other: &Self) -> bool {
        let (own, others) = (&self.endpoints, &other.endpoints);
        let meet = own.iter().any(|endpoint| others.contains(endpoint));
        !own.is_empty() && !others.is_empty() && !meet
    }
}

/// Whether one may be the other, or below it. Of two mounts of a namespace nobody says that they are two volumes.
fn may_meet(one: &Location, other: &Location) -> bool {
    if let (
        Store::File {
            namespace,
            volume: Some(volume),
        },
        Store::File {
            namespace: others_namespace,
            volume: Some(others),
        },
    ) = (one.store(), other.store())
        && namespace == others_namespace
        && volume != others
    {
        return true;
    }
    one.may_be_below(other) || other.may_be_below(one)
}

impl std::fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(base) => write!(
                f,
                "another run works in {base}, or is to: runs on one directory go one after the other"
            ),
            Self::Room(at_once) => write!(
                f,
                "other runs work: at most {at_once} do at once (--runs-at-once), and the last room is for a namespace that has none"
            ),
            Self::Solitude => f.write_str(
                "a run that the operator did not survive is tried once more, and none begins beside it",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use futures::FutureExt;
    use retention::location::Origin;

    fn turns(at_once: usize) -> Turns {
        Turns::new(NonZeroUsize::new(at_once).unwrap())
    }

    fn claim(namespace: &str, bases: &[&str]) -> Claim {
        let origin = Origin {
            namespace: Some(namespace.to_owned()),
            ..Origin::default()
        };
        let bases = bases
            .iter()
            .map(|base| Location::parse(base, &origin).unwrap());
        Claim {
            namespace: namespace.to_owned(),
            bases: bases.collect(),
            endpoints: Vec::new(),
            mode: Mode::Enforce,
            alone: false,
        }
    }

    fn through(endpoint: &str, claim: Claim) -> Claim {
        Claim {
            endpoints: vec![endpoint.parse().unwrap()],
            ..claim
        }
    }

    fn begins(turns: &Turns, claim: Claim) -> Turn<'_> {
        turns.queue(claim).unwrap()
    }

    fn waits(turns: &Turns, claim: Claim) -> (Place<'_>, WaitsFor) {
        turns.queue(claim).unwrap_err()
    }

    fn begun(place: Place<'_>) -> Turn<'_> {
        place.turn().now_or_never().unwrap()
    }

    fn still(place: Place<'_>) -> Place<'_> {
        assert!(!place.turns.0.borrow().works(place.ticket));
        place
    }

    #[test]
    fn runs_on_different_directories_work_beside_each_other() {
        let turns = turns(4);
        let _a = begins(&turns, claim("a", &["s3://one/a"]));
        let _b = begins(&turns, claim("a", &["s3://one/b"]));
        let _c = begins(&turns, claim("b", &["file:///data"]));
        let _d = begins(&turns, claim("c", &["file:///data"]));
    }

    #[test]
    fn runs_on_one_directory_go_one_after_the_other() {
        let (outer, inner) = ("s3://one/a", "s3a://one/a/b");
        for (first, second) in [(outer, inner), (inner, outer), (outer, outer)] {
            let turns = turns(4);
            let working = begins(&turns, claim("a", &["s3://two/x", first]));
            let (place, why) = waits(&turns, claim("a", &[second]));
            assert!(matches!(why, WaitsFor::Directory(_)), "{why}");
            assert!(why.to_string().contains("s3://one/a"), "{why}");
            drop(working);
            begun(place);
        }
    }

    #[test]
    fn whoever_waits_longer_for_a_directory_has_it_first() {
        let turns = turns(4);
        let a = begins(&turns, claim("a", &["s3://one/a"]));
        let (both, _) = waits(&turns, claim("a", &["s3://one/a", "s3://one/b"]));
        let (late, _) = waits(&turns, claim("a", &["s3://one/b"]));
        drop(a);
        let late = still(late);
        drop(begun(both));
        begun(late);
    }

    #[test]
    fn the_last_room_is_for_another_namespace() {
        let turns = turns(3);
        let _a = begins(&turns, claim("a", &["s3://one/1"]));
        let second = begins(&turns, claim("a", &["s3://one/2"]));
        let (third, why) = waits(&turns, claim("a", &["s3://one/3"]));
        assert_eq!(why, WaitsFor::Room(NonZeroUsize::new(3).unwrap()));
        let other = begins(&turns, claim("b", &["s3://two"]));
        let third = still(third);
        drop(second);
        drop(other);
        begun(third);
    }

    #[test]
    fn room_goes_to_whoever_has_least_of_it_and_not_to_whoever_asks_most() {
        let turns = turns(2);
        let first = begins(&turns, claim("a", &["s3://one/1"]));
        let other = begins(&turns, claim("b", &["s3://two/1"]));
        let (more_of_a, _) = waits(&turns, claim("a", &["s3://one/2"]));
        let (c, _) = waits(&turns, claim("c", &["s3://three"]));
        drop(other);
        let more_of_a = still(more_of_a);
        let c = begun(c);
        drop(first);
        let _more_of_a = begun(more_of_a);
        drop(c);
    }

    #[test]
    fn a_single_room_serves_everybody_in_turn() {
        let turns = turns(1);
        let first = begins(&turns, claim("a", &["s3://one/1"]));
        let (second, _) = waits(&turns, claim("a", &["s3://one/2"]));
        drop(first);
        begun(second);
    }

    #[test]
    fn buckets_of_one_name_at_two_endpoints_of_two_tenants_are_two() {
        let turns = turns(8);
        let bucket = "s3://prod/flink";
        let _prod = begins(&turns, through("https://a", claim("prod", &[bucket])));
        let _evil = begins(&turns, through("https://b", claim("evil", &[bucket])));
        let (_same, why) = waits(&turns, through("https://a", claim("staging", &[bucket])));
        assert!(matches!(why, WaitsFor::Directory(_)), "{why}");
        let (_own, _) = waits(&turns, through("https://c", claim("prod", &[bucket])));
    }

    #[test]
    fn nobody_begins_beside_one_that_was_broken_off_before() {
        let turns = turns(4);
        let _first = begins(&turns, claim("a", &["s3://one/1"]));
        let alone = Claim {
            alone: true,
            ..claim("b", &["s3://two/1"])
        };
        let alone = begins(&turns, alone);
        let (later, why) = waits(&turns, claim("c", &["s3://three/1"]));
        assert_eq!(why, WaitsFor::Solitude);
        drop(alone);
        begun(later);
    }

    #[test]
    fn who_only_looks_is_in_nobodys_way() {
        let turns = turns(8);
        let base = ["s3://one/a"];
        let looks = |namespace| Claim {
            mode: Mode::DryRun,
            ..claim(namespace, &base)
        };
        let _look = begins(&turns, looks("a"));
        let _another = begins(&turns, looks("a"));
        let deletes = begins(&turns, claim("b", &base));
        let (own, _) = waits(&turns, looks("b"));
        drop(deletes);
        begun(own);
    }

    #[test]
    fn two_mounts_of_a_namespace_may_be_one_volume() {
        let mounted = |path: &str, volume: &str| {
            let origin = Origin {
                namespace: Some("a".to_owned()),
                volumes: vec![volume.to_owned()],
                ..Origin::default()
            };
            Claim {
                bases: vec![Location::parse(path, &origin).unwrap()],
                ..claim("a", &[])
            }
        };
        let turns = turns(4);
        let _a = begins(&turns, mounted("file:///opt/a/ckp", "/opt/a"));
        let _beside = begins(&turns, mounted("file:///opt/a/other", "/opt/a"));
        let (_b, _) = waits(&turns, mounted("file:///opt/b/ckp", "/opt/b"));
    }

    #[tokio::test]
    async fn whoever_waits_is_told() {
        let turns = turns(4);
        let working = begins(&turns, claim("a", &["s3://one/a"]));
        let (place, _) = waits(&turns, claim("a", &["s3://one/a"]));
        let mut turn = Box::pin(place.turn());
        assert!((&mut turn).now_or_never().is_none());
        drop(working);
        let turn = turn.await;
        assert!(turn.covers(&claim("a", &["s3://one/a"])));
        assert!(turn.covers(&claim("a", &[])));
        assert!(!turn.covers(&claim("a", &["s3://one/b"])));
        assert!(!turn.covers(&through("https://a", claim("a", &["s3://one/a"]))));
    }

    #[test]
    fn whoever_leaves_the_queue_is_waited_for_no_more() {
        let turns = turns(4);
        let a = begins(&turns, claim("a", &["s3://one/a"]));
        let (gone, _) = waits(&turns, claim("a", &["s3://one/a", "s3://one/b"]));
        let (late, _) = waits(&turns, claim("a", &["s3://one/b"]));
        drop(gone);
        begun(late);
        drop(a);
    }
}
