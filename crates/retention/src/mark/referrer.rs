use crate::inventory::{BaseId, Inventory, Reading};
use crate::layout::{JobId, checkpoint_id, is_savepoint_directory};
use crate::location::{Location, LocationError, Origin, Store};
use crate::plan::Context;
use crate::reference::FileName;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// For how long a directory is remembered that was seen whole and named nothing. Whoever restores a volume from a backup,
/// or mounts a wrong one for a while, needs days to put it right, not months.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A directory elsewhere whose snapshots were seen to name files of a base. Whoever forgets that it exists must not
/// forget what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Referrer {
    pub directory: Location,
    /// When one of its snapshots was last seen to name a file of the base.
    pub last_seen: Timestamp,
    /// Since when all its snapshots were read and none named a file of the base, if so.
    pub unnamed_since: Option<Timestamp>,
}

/// The directories to remember after a run: those that name files of the base now, and those of which it is not sure that
/// they do not any more, because they were not read, or read too short a time ago.
pub(super) fn referrers(context: &Context<'_>, base: BaseId) -> Vec<Referrer> {
    let inventory = context.inventory;
    let naming = naming(inventory, base);
    let known = context.baselines(base);
    let known = known.map(|known| known.referrers.as_slice());
    let in_doubt = known.unwrap_or_default().iter().filter_map(|known| {
        if naming.contains(&known.directory) {
            return None;
        }
        let read = is_read_whole(inventory, &known.directory);
        let unnamed_since = known.unnamed_since.or(read.then_some(context.now));
        let for_long = |since: Timestamp| context.now.duration_since(since) >= REMEMBERED_FOR;
        let done_with = read && unnamed_since.is_some_and(for_long);
        (!done_with).then(|| Referrer {
            unnamed_since,
            ..known.clone()
        })
    });
    let seen = naming.iter().map(|directory| Referrer {
        directory: directory.clone(),
        last_seen: context.now,
        unnamed_since: None,
    });
    let mut all: Vec<Referrer> = in_doubt.chain(seen).collect();
    all.sort_by(|a, b| a.directory.cmp(&b.directory));
    all
}

fn is_read_whole(inventory: &Inventory, directory: &Location) -> bool {
    let base = inventory.read_with(directory);
    base.is_some_and(|base| base.reading == Reading::Whole)
}

/// The directories of other bases whose snapshots name a file of this one, by its place or, wherever they think that it
/// is, by its name.
fn naming(inventory: &Inventory, base: BaseId) -> BTreeSet<Location> {
    let Some(here) = inventory.base(base).map(|base| &base.location) else {
        return BTreeSet::new();
    };
    let table = &inventory.references;
    let below: Vec<bool> = table
        .directories()
        .map(|directory| directory.may_be_below(here))
        .collect();
    let by_place = table.files().filter(|&file| {
        let directory = table.directory_index(file);
        directory.is_none_or(|directory| below.get(directory) != Some(&false))
    });
    let by_name = inventory
        .named_elsewhere
        .iter()
        .filter(|file| file.base == base)
        .flat_map(|file| {
            let named = table.with_name(&FileName::of(&file.path));
            named.collect::<Vec<_>>()
        });
    let mut is_here = vec![false; table.len()];
    for file in by_place.chain(by_name) {
        if let Some(is_here) = is_here.get_mut(file.index()) {
            *is_here = true;
        }
    }
    inventory
        .snapshots
        .iter()
        .filter(|snapshot| match &snapshot.place {
            Some(place) => place.base != base,
            None => snapshot.location.relative_to(here).is_none(),
        })
        .filter(|snapshot| {
            let mut named = snapshot.references.iter();
            named.any(|reference| is_here.get(reference.file.index()) == Some(&true))
        })
        .map(|snapshot| {
            let place = snapshot.place.as_ref();
            let read_in = place.and_then(|place| inventory.base(place.base));
            let read_in = read_in.or_else(|| inventory.read_with(&snapshot.location));
            match read_in {
                Some(base) if !is_snapshot_directory(&base.location) => base.location.clone(),
                // Flink will have removed this very snapshot when it is asked for next.
                Some(_) | None => home(&snapshot.location),
            }
        })
        .collect()
}

fn is_snapshot_directory(directory: &Location) -> bool {
    let name = directory.name();
    checkpoint_id(name).is_some() || is_savepoint_directory(name)
}

/// The directory that holds the job directory of a snapshot, or the snapshot itself where it is in none.
fn home(snapshot: &Location) -> Location {
    let parent = snapshot.parent();
    if parent.name().parse::<JobId>().is_ok() {
        parent.parent()
    } else {
        parent
    }
}

/// The parts of a location: its text alone does not say in whose pods it is meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volume: Option<String>,
    last_seen: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unnamed_since: Option<Timestamp>,
}

impl From<Referrer> for Written {
    fn from(referrer: Referrer) -> Self {
        let Referrer {
            directory,
            last_seen,
            unnamed_since,
        } = referrer;
        let (namespace, volume) = match directory.store() {
            Store::File { namespace, volume } => (namespace.clone(), volume.clone()),
            Store::Object { .. } | Store::Hdfs { .. } | Store::Other { .. } => (None, None),
        };
        Self {
            directory: directory.to_string(),
            namespace,
            volume,
            last_seen,
            unnamed_since,
        }
    }
}

impl TryFrom<Written> for Referrer {
    type Error = LocationError;

    fn try_from(written: Written) -> Result<Self, LocationError> {
        let Written {
            directory,
            namespace,
            volume,
            last_seen,
            unnamed_since,
        } = written;
        let origin = Origin {
            namespace,
            default_scheme: None,
            volumes: volume.into_iter().collect(),
        };
        Ok(Self {
            directory: Location::parse(&directory, &origin)?,
            last_seen,
            unnamed_since,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_place() {
        let origin = Origin {
            namespace: Some("flink".to_owned()),
            default_scheme: None,
            volumes: vec!["/opt/volume".to_owned()],
        };
        for text in [
            "/opt/volume/ckp",
            "/elsewhere",
            "file:/",
            "s3a://bucket/a b",
            "wasbs://c@account.blob.core.windows.net/x",
            "hdfs:/x",
            "hdfs://ns/x",
            "cosn://bucket/x",
        ] {
            let referrer = Referrer {
                directory: Location::parse(text, &origin).unwrap(),
                last_seen: Timestamp::UNIX_EPOCH,
                unnamed_since: Some(Timestamp::MAX),
            };
            let written = serde_json::to_string(&referrer).unwrap();
            let read: Referrer = serde_json::from_str(&written).unwrap();
            assert_eq!(read, referrer, "{written}");
        }
        assert!(
            serde_json::from_str::<Referrer>(
                r#"{"directory":"x","lastSeen":"1970-01-01T00:00:00Z"}"#
            )
            .is_err()
        );
    }

    #[test]
    fn a_single_snapshot_is_remembered_by_where_its_job_is() {
        let at = |path: &str| Location::parse(path, &Origin::default()).unwrap();
        let job = "00000000000000000000000000000abc";
        assert_eq!(home(&at(&format!("/x/{job}/chk-7"))), at("/x"));
        assert_eq!(home(&at("/x/chk-7")), at("/x"));
        assert_eq!(home(&at("/x/savepoint-00000-0123456789ab")), at("/x"));
    }
}
