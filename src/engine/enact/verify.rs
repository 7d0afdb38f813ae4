use super::Found;
use super::known::{ReliedOn, carry_over_found};
use crate::engine::scan::{self, ReferenceScan};
use crate::engine::{Run, Stores};
use futures::stream::{self, StreamExt};
use retention::batch::{self, Spared, VerifiedBatch};
use retention::inventory::{BaseId, Inventory, ListedFile};
use retention::layout::{self, FileKind};
use retention::location::Location;
use retention::plan::{Context, Decision, ExpireReason, PlanEntry, plan};
use retention::reference::FileName;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{EntryKind, StorageError};

const LOOK_UPS_AT_ONCE: usize = 64;

/// Decides the chosen entries again, from evidence and references that are gathered now: jobs, then every snapshot,
/// then jobs again, so that whoever appeared in between is heard.
pub(super) async fn verify(
    run: &Run<'_>,
    found: Found<'_>,
    chosen: &[PlanEntry],
) -> (VerifiedBatch, Vec<Spared>) {
    let from = run.clock.now();
    let before = run.observer.observe().await;
    let scan = ReferenceScan {
        stores: run.stores,
        cache: run.cache,
        progress: run.progress,
        cancel: &run.cancel,
    };
    // Also whatever this run has read: a base must not be forgotten because its resource went away just now.
    let known = &found.context.inventory.bases;
    let known: Vec<Location> = known.iter().map(|base| base.location.clone()).collect();
    let mut inventory = scan::read_references(scan, &known, &[], &before).await;
    let evidence = run.observer.observe().await;
    scan::add_high_availability(&mut inventory, &evidence);
    scan::add_new_bases(scan, &mut inventory, &evidence).await;
    carry_over(found.context.inventory, &mut inventory);
    let unnamed = chosen.iter().filter(|entry| match entry.decision {
        Decision::Orphan(_) | Decision::Expire(ExpireReason::Torn) => true,
        // Other snapshots that go have been read again.
        Decision::Expire(ExpireReason::BeyondRules | ExpireReason::Hollow)
        | Decision::Keep(_)
        | Decision::Protected(_) => false,
    });
    let Looked {
        found: mut unnamed,
        etags,
        failed,
    } = look_again(run.stores, &inventory, unnamed.collect()).await;
    unnamed.retain(|file| !inventory.references.protects(&FileName::of(&file.path)));
    inventory.unreferenced = unnamed;
    let mut relied_on = ReliedOn::of(found.context, found.plan, chosen);
    loop {
        carry_over_found(found.context, &relied_on, &mut inventory);
        scan::look_up(scan, &mut inventory).await;
        let now = run.clock.now();
        let context = Context::new(
            &evidence,
            &inventory,
            run.policy,
            found.marks,
            found.baselines,
            now,
        );
        let fresh = run.within_bounds(&context, found.approved, plan(&context));
        if !relied_on.extend(&inventory, &fresh) {
            let (batch, mut spared) = batch::verify(chosen, &fresh, from);
            for spared in &mut spared {
                let key = (spared.base, spared.path.clone());
                let is_named = inventory.references.protects(&FileName::of(&spared.path));
                if let Some(why) = failed.get(&key).filter(|_| !is_named) {
                    spared.why.clone_from(why);
                    spared.ends_mark = false;
                }
            }
            let etag = |base, path: &str| etags.get(&base)?.get(path).cloned();
            return (batch.and_etags(etag), spared);
        }
    }
}

/// What the candidate listing of this run said of the directories; references are all new.
fn carry_over(listed: &Inventory, fresh: &mut Inventory) {
    for base in &mut fresh.bases {
        if let Some(same) = listed
            .bases
            .iter()
            .find(|same| same.location == base.location)
        {
            base.listing = same.listing.clone();
            base.apart = same.apart.clone();
        }
    }
    fresh.job_directories = listed.job_directories.clone();
}

/// The chosen files that are still there.
#[derive(Default)]
struct Looked {
    found: Vec<ListedFile>,
    /// What their store marks them by. Flink writes a data file once and under a name of its own, so that what has this
    /// mark is what was looked at. Not of others: a `_metadata` may be written again with the same contents.
    etags: BTreeMap<BaseId, BTreeMap<Arc<str>, Arc<str>>>,
    /// Those that cannot be looked at, and why: they are not verified, and nothing new is known of them.
    failed: BTreeMap<(BaseId, Arc<str>), String>,
}

async fn look_again(stores: &Stores, inventory: &Inventory, chosen: Vec<&PlanEntry>) -> Looked {
    let mut looks = stream::iter(chosen)
        .map(|entry| async move { (entry, look(stores, inventory, entry).await) })
        .buffer_unordered(LOOK_UPS_AT_ONCE);
    let mut looked = Looked::default();
    while let Some((entry, look)) = looks.next().await {
        match look {
            Ok(None) => {}
            Ok(Some((file, etag))) => {
                let is_data = file
                    .path
                    .rsplit('/')
                    .next()
                    .is_some_and(layout::is_data_file);
                if let Some(etag) = etag.filter(|_| is_data) {
                    let of_base = looked.etags.entry(file.base).or_default();
                    of_base.insert(Arc::clone(&file.path), etag.into());
                }
                looked.found.push(file);
            }
            Err(error) => {
                let key = (entry.base, entry.path.clone());
                looked.failed.insert(key, error.to_string());
            }
        }
    }
    looked
}

async fn look(
    stores: &Stores,
    inventory: &Inventory,
    entry: &PlanEntry,
) -> Result<Option<(ListedFile, Option<String>)>, StorageError> {
    let location = inventory.location(entry.base, &entry.path);
    let Some((storage, key)) = location.and_then(|location| stores.resolve(&location)) else {
        return Ok(None);
    };
    let Some(found) = storage.stat(&key).await? else {
        return Ok(None);
    };
    let is_directory = entry.placement.kind == FileKind::EmptyCheckpoint;
    let (wanted, size) = if is_directory {
        (EntryKind::Directory, 0)
    } else {
        (EntryKind::File, found.version.size)
    };
    let file = ListedFile {
        base: entry.base,
        path: entry.path.clone(),
        placement: entry.placement.clone(),
        size,
        modified: found.version.modified,
        regular: found.kind == wanted,
    };
    Ok(Some((file, found.version.etag)))
}
