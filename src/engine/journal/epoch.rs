use super::documents::Documents;
use super::{JournalError, TRIES, baselines, marks};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::Put;

/// Epochs before the current one that are left for people to look at.
const KEPT: usize = 16;

/// Who acts on a base: the uid of the cluster's `kube-system` namespace and the lease of the operator, or what `--owner-id`
/// says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub String);

/// Which holder of a lease acts. The number grows each time that the lease changes hands, so of two holders of one lease
/// the later one has the higher number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseTerm {
    /// The uid of the lease: one that was made anew counts from the beginning.
    pub lease: String,
    pub number: i32,
}

impl LeaseTerm {
    fn is_before(&self, other: &Self) -> bool {
        self.lease == other.lease && self.number < other.number
    }
}

/// A claim to a base: the highest number wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Epoch {
    pub number: u64,
    pub owner: OwnerId,
    pub taken: Timestamp,
    /// The number of the epoch with which its owner became the owner. The marks of runs before it are those of a former
    /// owner, and never read, whenever he wrote them.
    #[serde(default = "first")]
    pub tenure: u64,
    /// The fencing number of who took it, where a lease decides who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<LeaseTerm>,
}

/// Before anybody could take a base over there was one tenure only.
fn first() -> u64 {
    1
}

pub(super) async fn take(
    documents: &Documents,
    owner: &OwnerId,
    term: Option<&LeaseTerm>,
    now: Timestamp,
) -> Result<Epoch, JournalError> {
    for _ in 0..TRIES {
        let written = last_written(documents).await?;
        let highest = highest(documents).await?;
        if let Some(highest) = highest.as_ref().filter(|highest| highest.owner != *owner) {
            return Err(JournalError::OwnedByAnother {
                location: documents.location.clone(),
                owner: highest.owner.to_string(),
                epoch: highest.number,
                taken: highest.taken,
                us: owner.to_string(),
            });
        }
        // Whoever slept through the loss of its lease must not come back above the one that has it now.
        let later = highest.as_ref().and_then(|highest| highest.term.as_ref());
        if let Some((ours, later)) = term
            .zip(later)
            .filter(|(ours, later)| ours.is_before(later))
        {
            return Err(JournalError::LeaseLost {
                location: documents.location.clone(),
                ours: ours.number,
                later: later.number,
            });
        }
        let Place { number, tenure } = next(highest.as_ref(), written);
        let epoch = Epoch {
            number,
            owner: owner.clone(),
            taken: now,
            tenure,
            term: term.cloned(),
        };
        match documents.create(&document(epoch.number), &epoch).await? {
            Put::Created => {
                forget_old(documents, epoch.number).await?;
                return Ok(epoch);
            }
            // Somebody was faster: look again.
            Put::Exists => {}
        }
    }
    Err(documents.damaged("owner", &"other processes take the base again and again"))
}

/// Replaces the owner that was seen by another, if that one is the owner still. Of two who try, one succeeds.
pub(super) async fn take_over(
    documents: &Documents,
    seen: &Epoch,
    owner: &OwnerId,
    now: Timestamp,
) -> Result<Epoch, JournalError> {
    let epoch = |Place { number, tenure: _ }| Epoch {
        number,
        owner: owner.clone(),
        taken: now,
        tenure: number,
        term: None,
    };
    follow(documents, seen, epoch).await
}

/// Stops whatever its owner has under way, if he has not begun anything since.
pub(super) async fn interrupt(
    documents: &Documents,
    seen: &Epoch,
    now: Timestamp,
) -> Result<Epoch, JournalError> {
    let epoch = |Place { number, tenure }| Epoch {
        number,
        taken: now,
        tenure,
        ..seen.clone()
    };
    follow(documents, seen, epoch).await
}

async fn follow(
    documents: &Documents,
    seen: &Epoch,
    epoch: impl FnOnce(Place) -> Epoch,
) -> Result<Epoch, JournalError> {
    let written = last_written(documents).await?;
    let unchanged = highest(documents).await?.as_ref() == Some(seen);
    let epoch = epoch(next(Some(seen), written));
    let document = document(epoch.number);
    if unchanged && documents.create(&document, &epoch).await? == Put::Created {
        return Ok(epoch);
    }
    let found = highest(documents).await?;
    Err(JournalError::TakenMeanwhile {
        location: documents.location.clone(),
        owner: found.map_or_else(|| "nobody".to_owned(), |found| found.owner.to_string()),
        seen: seen.number,
    })
}

/// By all that the epoch says: where somebody deletes ours, another run may get the same number.
pub(super) async fn check(documents: &Documents, epoch: &Epoch) -> Result<(), JournalError> {
    let found = highest(documents).await?;
    if found.as_ref() == Some(epoch) {
        return Ok(());
    }
    Err(JournalError::Superseded {
        location: documents.location.clone(),
        ours: epoch.number,
        found: found.map_or(0, |found| found.number),
    })
}

/// Where in the sequence an epoch comes.
struct Place {
    number: u64,
    tenure: u64,
}

/// Comes after the highest epoch, and after all that any run has written. Where somebody has deleted later epochs, nobody
/// knows whose marks theirs are: they do not count, as after a change of owners. Nor is one of their numbers given out
/// again, under which their marks would come back.
fn next(highest: Option<&Epoch>, written: u64) -> Place {
    let last = highest.map_or(0, |highest| highest.number);
    let number = last.max(written).saturating_add(1);
    let tenure = highest
        .filter(|highest| highest.number >= written)
        .map_or(number, |highest| highest.tenure);
    Place { number, tenure }
}

/// The last epoch of which a run has written anything; 0 where none has. To be asked before the highest one is: each is
/// there before what its run writes.
async fn last_written(documents: &Documents) -> Result<u64, JournalError> {
    let marks = marks::epochs(documents).await?;
    let baselines = baselines::epochs(documents).await?;
    Ok(marks.into_iter().chain(baselines).max().unwrap_or(0))
}

/// The epoch of the owner; none where nobody has acted yet.
pub(super) async fn highest(documents: &Documents) -> Result<Option<Epoch>, JournalError> {
    match numbers(documents).await?.last() {
        None => Ok(None),
        Some(&number) => {
            let document = document(number);
            let epoch: Option<Epoch> = documents.read(&document).await?;
            epoch
                .filter(|epoch| epoch.number == number)
                .ok_or_else(|| {
                    documents.damaged(&document, &"it does not hold the epoch of its name")
                })
                .map(Some)
        }
    }
}

/// The numbers of all epochs, ascending. A name that is none makes the journal unusable: it may be a later format.
async fn numbers(documents: &Documents) -> Result<Vec<u64>, JournalError> {
    let mut numbers = Vec::new();
    for entry in documents.list("owner").await? {
        let name = entry.key.file_name().unwrap_or_default();
        let number = name
            .strip_suffix(".json")
            .and_then(|digits| digits.parse().ok());
        numbers.push(
            number.ok_or_else(|| documents.damaged(&format!("owner/{name}"), &"it is no epoch"))?,
        );
    }
    numbers.sort_unstable();
    Ok(numbers)
}

async fn forget_old(documents: &Documents, current: u64) -> Result<(), JournalError> {
    let mut old = documents.list("owner").await?;
    old.sort_by(|a, b| b.key.cmp(&a.key));
    let current = document(current);
    for entry in old
        .iter()
        .skip(KEPT)
        .filter(|entry| !entry.key.as_str().ends_with(&current))
    {
        documents.delete(entry).await?;
    }
    Ok(())
}

/// Zero-padded, so that names sort as numbers do.
pub(super) fn document(number: u64) -> String {
    format!("owner/{number:020}.json")
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
