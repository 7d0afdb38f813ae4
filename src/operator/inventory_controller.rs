//! The observe loop: records every Flink resource from the first start, with a policy or without, and says of each what
//! is known. It needs no storage for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future};
use kube::{Api, Resource, ResourceExt};
use retention::evidence::{Evidence, JobEvidence, JobName};
use retention::layout::JobId;
use retention::location::Location;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::context::{News as Poke, Operator};
use super::events::News;
use super::gathered::{Found, Gathered, Unlisted, gather};
use super::inventory::{Facts, row, status};
use super::lineage::{Merged, Seen, deleted, has_undated, merge};
use super::missing::{Missing, certain};
use super::server_side::{apply_spec, apply_status};
use super::{jitter, job_changes};
use crate::api::CheckpointInventory;
use crate::api::checkpoint_inventory::{CheckpointInventorySpec, JobReference, condition};
use crate::api::conditions::find;
use crate::api::flink::kind::{GROUP, VERSION};
use crate::api::names::inventory_name;

/// Many changes in a moment are one reason to look.
const SETTLE: Duration = Duration::from_millis(200);
/// However many changes there are, of the time at least three parts are rest for one part of looking.
const REST: u32 = 3;

/// Looks at every job again and again, until `stop`.
pub(super) async fn run(operator: Arc<Operator>, interval: Duration, stop: CancellationToken) {
    let mut changes = Box::pin(job_changes::all(&operator));
    let mut news = operator.news.subscribe();
    let mut missing = Missing::default();
    let mut pass = 0_u64;
    while !stop.is_cancelled() {
        // Policies read it too, but a broken file is to be told before there is any.
        operator.administrator().await;
        let begun = Instant::now();
        operator.looks.send_modify(|looks| looks.begun += 1);
        let looked = tokio::select! {
            looked = look(&operator, &mut missing) => looked,
            // Every write is complete in itself.
            () = stop.cancelled() => return,
        };
        operator
            .looks
            .send_modify(|looks| looks.ended = looks.begun);
        operator.metrics.observed(looked.is_ok());
        if let Err(error) = looked {
            tracing::warn!(%error, "this look at the jobs was not complete; looking again");
        }
        operator.tell(Poke::Inventories);
        pass += 1;
        let settle = SETTLE.max(begun.elapsed() * REST).min(interval);
        let pause = interval.mul_f64(0.9 + jitter::fraction("observe", pass) / 5.0);
        let scanned = async {
            loop {
                match news.recv().await {
                    Ok(Poke::Scanned) | Err(RecvError::Lagged(_)) => return,
                    Ok(Poke::Inventories | Poke::RunFinished) => {}
                    Err(RecvError::Closed) => future::pending().await,
                }
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {}
            Some(()) = changes.next() => {
                tokio::select! {
                    () = sleep(settle) => {}
                    () = stop.cancelled() => {}
                }
                // All that have come meanwhile are seen by the same look.
                while changes.next().now_or_never().flatten().is_some() {}
            }
            () = scanned => {}
        }
    }
}

/// Why a look was not complete.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    List(#[from] Unlisted),
    #[error("{failed} of {all} inventories could not be written; the last one: {error}")]
    Write {
        failed: usize,
        all: usize,
        error: Box<kube::Error>,
    },
}

/// One pass: observe, then for each job record (the lineage) and report (the status). Nothing is scanned or deleted here.
async fn look(operator: &Operator, missing: &mut Missing) -> Result<(), LookError> {
    // Observe.
    // In this order: the uid of a resource must not be younger than what is seen of it, or the job of a deleted resource
    // would be recorded for the one that was made anew under its name.
    let (gathered, unlisted) = gather(operator).await?;
    let evidence = operator.observer.observe().await;

    // Plan: what each inventory should be.
    let mut looks = looks(&gathered, &evidence);
    let absent = looks.iter().filter(|look| look.is_undated()).map(Look::job);
    let absent = certain(operator, absent.collect(), &gathered.not_installed).await;
    let deleted = missing.again(absent);
    for look in &mut looks {
        look.deleted = deleted.contains(&look.evidence.name);
    }

    // Report.
    let all = looks.len();
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for job in looks {
        let scan = operator.scans.of(&job.evidence.name);
        match write(operator, &job).await {
            Ok(inventory) => rows.extend(row(&inventory, scan.as_ref())),
            Err(error) => {
                failures.push(error);
                // The last known values are better than none.
                rows.extend(
                    job.recorded
                        .and_then(|recorded| row(recorded, scan.as_ref())),
                );
            }
        }
    }
    operator.metrics.jobs.replace(rows);
    let known: BTreeSet<JobName> = evidence.jobs.iter().map(|job| job.name.clone()).collect();
    operator.scans.retain(&known);
    let failed = failures.len();
    match failures.pop() {
        Some(error) => Err(LookError::Write {
            failed,
            all,
            error: Box::new(error),
        }),
        None => unlisted.map_or(Ok(()), |error| Err(error.into())),
    }
}

/// One job, its record, and what was seen of it.
#[derive(Debug)]
struct Look<'a> {
    evidence: &'a JobEvidence,
    inventory_name: String,
    recorded: Option<&'a CheckpointInventory>,
    /// None if the resource is gone, or cannot be read.
    seen: Option<Seen>,
    present: bool,
    /// The resource is known for certain to be deleted, and since when is not recorded yet.
    deleted: bool,
    policy: Option<String>,
}

impl Look<'_> {
    fn job(&self) -> JobName {
        self.evidence.name.clone()
    }

    /// Whether it was not listed, and its deletion is not recorded.
    fn is_undated(&self) -> bool {
        let recorded = self.recorded.map(|recorded| &recorded.spec);
        !self.present && recorded.is_some_and(has_undated)
    }
}

fn looks<'a>(gathered: &'a Gathered, evidence: &'a Evidence) -> Vec<Look<'a>> {
    let Gathered {
        objects,
        recorded,
        policies,
        not_installed: _,
    } = gathered;
    let objects: BTreeMap<&JobName, &Found> =
        objects.iter().map(|found| (&found.name, found)).collect();
    let jobs = evidence.jobs.iter().filter_map(|job| {
        let JobName {
            kind,
            namespace,
            name,
        } = &job.name;
        let inventory_name = inventory_name(kind, name)?;
        let recorded = match recorded.get(&(namespace.clone(), inventory_name.clone())) {
            None => None,
            Some(Ok(inventory)) => Some(inventory),
            // Writing over a record that cannot be read would forget what it holds.
            Some(Err(())) => return None,
        };
        let object = objects.get(&job.name).copied();
        let seen = object.map(|found| seen(found, job));
        if seen.is_none() && recorded.is_none() {
            return None;
        }
        let labels = seen
            .as_ref()
            .map(|seen| &seen.labels)
            .or(recorded.map(|recorded| &recorded.spec.last_labels));
        let policy = policies
            .iter()
            .filter(|(of, _)| of == namespace)
            .find(|(_, policy)| {
                labels.is_some_and(|labels| policy.spec.selector.matches(labels) == Ok(true))
            })
            .map(|(_, policy)| policy.name_any());
        Some(Look {
            evidence: job,
            inventory_name,
            recorded,
            present: object.is_some(),
            deleted: false,
            seen,
            policy,
        })
    });
    jobs.collect()
}

fn seen(found: &Found, job: &JobEvidence) -> Seen {
    let bases: Vec<String> = job.bases.iter().map(ToString::to_string).collect();
    Seen {
        job: JobReference {
            api_version: format!("{GROUP}/{VERSION}"),
            kind: job.name.kind.clone(),
            name: job.name.name.clone(),
        },
        uid: found.uid.clone(),
        labels: found.labels.clone(),
        job_id: job.current.map(|id| id.to_string()),
        base: job
            .current
            .and_then(|id| base_of(job, id))
            .map(|base| base.to_string()),
        bases,
    }
}

/// The base that really holds a job's directory, by a checkpoint that Flink names.
fn base_of(job: &JobEvidence, id: JobId) -> Option<Location> {
    let entries = job.high_availability.entries().iter();
    let by_map = entries.filter_map(|entry| entry.checkpoint.pointer.as_ref());
    let answer = job.job_manager.answer().into_iter();
    let by_rest = answer
        .flat_map(|rest| &rest.checkpoints)
        .filter_map(|checkpoint| checkpoint.external_path.as_ref());
    let id = id.to_string();
    by_map
        .chain(by_rest)
        .map(Location::parent)
        .find(|directory| directory.name() == id)
        .map(|directory| directory.parent())
        .or_else(|| match job.bases.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        })
}

async fn write(operator: &Operator, look: &Look<'_>) -> kube::Result<CheckpointInventory> {
    let now = operator.clock.now();
    let api: Api<CheckpointInventory> = operator.in_namespace(&look.evidence.name.namespace);
    let recorded = look.recorded.map(|recorded| &recorded.spec);
    let merged = match (&look.seen, recorded) {
        (Some(seen), _) => Some(merge(recorded, seen.clone(), now)),
        (None, Some(recorded)) if look.deleted => Some(Merged {
            spec: deleted(recorded, now),
            truncated: false,
        }),
        (None, _) => None,
    };
    let truncated = merged.as_ref().is_some_and(|merged| merged.truncated);
    let inventory = match (merged, look.recorded) {
        (Some(Merged { spec, truncated: _ }), recorded)
            if recorded.map(|recorded| &recorded.spec) != Some(&spec) =>
        {
            record(&api, &look.inventory_name, recorded, &spec).await?
        }
        (_, Some(recorded)) => recorded.clone(),
        // Without anything seen there is a record; the compiler does not know.
        (_, None) => CheckpointInventory::default(),
    };
    let scan = operator.scans.of(&look.evidence.name);
    let next = status(Facts {
        job: look.evidence,
        present: look.present,
        generation: inventory.metadata.generation,
        existing: inventory.status.as_ref(),
        scan: scan.as_ref(),
        policy: look.policy.as_deref(),
        truncated,
        now,
    });
    if inventory.status.as_ref() == Some(&next) {
        return Ok(inventory);
    }
    let written = apply_status(
        &api,
        &look.inventory_name,
        inventory.uid().as_deref(),
        &next,
    )
    .await?;
    if let Some(news) = transition(&inventory, &written) {
        operator.events.tell(&written.object_ref(&()), news).await;
    }
    Ok(written)
}

async fn record(
    api: &Api<CheckpointInventory>,
    name: &str,
    recorded: Option<&CheckpointInventory>,
    spec: &CheckpointInventorySpec,
) -> kube::Result<CheckpointInventory> {
    let version = recorded.and_then(ResourceExt::resource_version);
    apply_spec(api, name, version.as_deref(), spec).await
}

/// An event when a job becomes restorable, or stops being so.
fn transition(before: &CheckpointInventory, after: &CheckpointInventory) -> Option<News> {
    let of = |inventory: &CheckpointInventory| {
        let conditions = &inventory.status.as_ref()?.conditions;
        find(conditions, condition::RESTORABLE).cloned()
    };
    let (before, after) = (of(before), of(after)?);
    if before.map(|before| before.status).unwrap_or_default() == after.status {
        return None;
    }
    let (warning, reason) = match after.status.as_str() {
        "True" => (false, "Restorable"),
        "False" => (true, "NotRestorable"),
        _ => return None,
    };
    Some(News {
        warning,
        reason,
        note: after.message,
    })
}
