//! The observe loop: records every Flink resource from the first start, with a policy or without, and says of each what
//! is known. It needs no storage for that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future};
use kube::{Api, Resource, ResourceExt};
use retention::evidence::{JobEvidence, JobName};
use retention::layout::JobId;
use retention::location::Location;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::context::{News as Poke, Operator};
use super::events::News;
use super::gathered::{Policies, Unlisted, policies};
use super::inventory::{Facts, JobScan, row, status};
use super::lineage::{Merged, Seen, deleted, has_undated, merge};
use super::missing::{Missing, certain};
use super::server_side::{apply_spec, apply_status};
use super::{jitter, job_changes};
use crate::api::checkpoint_inventory::{CheckpointInventorySpec, JobReference, condition};
use crate::api::conditions::find;
use crate::api::flink::kind::{GROUP, VERSION};
use crate::api::names::inventory_name;
use crate::api::selector::{KnownLabels, Selects};
use crate::api::{CheckpointInventory, Reason};
use crate::observe::{FlinkResource, Sight, Unread};
use crate::telemetry::JobRow;

/// Many changes in a moment are one reason to look.
const SETTLE: Duration = Duration::from_millis(200);
/// However many changes there are, of the time at least three parts are rest for one part of looking.
const REST: u32 = 3;

/// More than one, for each waits for the API server.
const WRITES_AT_ONCE: usize = 8;

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
                    Ok(Poke::Inventories) => {}
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
    Policies(#[from] Unlisted),
    #[error("{what} could not be listed: {why}")]
    List { what: String, why: String },
    #[error("{failed} of {all} inventories could not be written; the last one: {error}")]
    Write {
        failed: usize,
        all: usize,
        error: Box<kube::Error>,
    },
}

/// One pass: observe, then for each job record (the lineage) and report (the status). Nothing is scanned or deleted here.
/// Jobs come one after the other, each is recorded and given up: there may be thousands.
async fn look(operator: &Operator, missing: &mut Missing) -> Result<(), LookError> {
    let policies = policies(operator).await?;
    let mut pass = Pass::default();
    let (sights, coming) = mpsc::channel(WRITES_AT_ONCE);
    let coming = ReceiverStream::new(coming)
        .filter(|sight: &Sight| {
            future::ready(!policies.unlisted.contains(&sight.job.name.namespace))
        })
        .filter_map(|sight| future::ready(Look::at(sight, &policies)));
    let recorded = async {
        let mut written = coming
            .map(|look| async {
                // Whether it was deleted is asked when all is listed.
                if look.is_undated() {
                    return Outcome::Undated(Box::new(look));
                }
                write(operator, look).await
            })
            .buffer_unordered(WRITES_AT_ONCE);
        while let Some(outcome) = written.next().await {
            pass.note(outcome);
        }
        drop(written);
        pass
    };
    let (listed, mut pass) = future::join(operator.observer.look(sights), recorded).await;

    let undated = std::mem::take(&mut pass.undated);
    let absent = undated.iter().map(|look| look.job.name.clone()).collect();
    let absent = certain(operator, absent, &listed.not_installed).await;
    let deleted = missing.again(absent);
    for mut look in undated {
        look.deleted = deleted.contains(&look.job.name);
        pass.note(write(operator, look).await);
    }

    let Pass {
        rows,
        known,
        undated: _,
        all,
        mut failures,
    } = pass;
    let unread = |namespace: &str| {
        policies.unlisted.contains(namespace)
            || listed.unread.iter().any(|list| list.concerns(namespace))
    };
    operator.metrics.jobs.replace(rows, unread);
    operator
        .metrics
        .policies
        .retain(|namespace, name| policies.may_have(namespace, name));
    operator.scans.retain(&known, unread);
    let failed = failures.len();
    if let Some(error) = failures.pop() {
        return Err(LookError::Write {
            failed,
            all,
            error: Box::new(error),
        });
    }
    if let Some(Unread { what, why, .. }) = listed.unread.into_iter().next() {
        return Err(LookError::List { what, why });
    }
    policies.problem.map_or(Ok(()), |error| Err(error.into()))
}

/// What a look has come to so far.
#[derive(Debug, Default)]
struct Pass {
    rows: Vec<JobRow>,
    known: BTreeSet<JobName>,
    undated: Vec<Look>,
    all: usize,
    failures: Vec<kube::Error>,
}

/// What became of one job.
#[derive(Debug)]
enum Outcome {
    Written(JobName, Option<JobRow>),
    /// The last known values are better than none.
    Failed(JobName, Option<JobRow>, kube::Error),
    Undated(Box<Look>),
}

impl Pass {
    fn note(&mut self, outcome: Outcome) {
        let (name, row) = match outcome {
            Outcome::Undated(look) => return self.undated.push(*look),
            Outcome::Written(name, row) => (name, row),
            Outcome::Failed(name, row, error) => {
                self.failures.push(error);
                (name, row)
            }
        };
        self.all += 1;
        self.known.insert(name);
        self.rows.extend(row);
    }
}

/// One job, its record, and what was seen of it.
#[derive(Debug)]
struct Look {
    job: JobEvidence,
    inventory_name: String,
    recorded: Option<CheckpointInventory>,
    /// None if the resource is gone, or cannot be read.
    seen: Option<Seen>,
    present: bool,
    /// The resource is known for certain to be deleted, and since when is not recorded yet.
    deleted: bool,
    policy: Option<String>,
}

impl Look {
    /// None of what is no resource, and of what has a record that cannot be read: writing over it would forget what it
    /// holds.
    fn at(sight: Sight, policies: &Policies) -> Option<Self> {
        let Sight {
            job,
            resource,
            recorded,
        } = sight;
        let JobName {
            kind,
            namespace,
            name,
        } = &job.name;
        let inventory_name = inventory_name(kind, name)?;
        let recorded = match recorded.map(|recorded| recorded.object().try_parse()) {
            None => None,
            Some(Ok(recorded)) => Some(recorded),
            Some(Err(error)) => {
                tracing::warn!(namespace, name = inventory_name, %error, "this CheckpointInventory cannot be read and is left as it is");
                return None;
            }
        };
        let recorded: Option<CheckpointInventory> = recorded;
        let present = resource.is_some();
        let seen = resource.map(|resource| seen(resource, &job));
        if seen.is_none() && recorded.is_none() {
            return None;
        }
        let labels = seen.as_ref().map(|seen| &seen.labels);
        let labels = labels.or(recorded.as_ref().map(|recorded| &recorded.spec.last_labels));
        let policy = policies
            .all
            .iter()
            .filter(|(of, _)| of == namespace)
            .find(|(_, policy)| {
                labels.is_some_and(|labels| {
                    let known = KnownLabels::recorded(labels);
                    policy.spec.selector.selects(known) == Ok(Selects::Yes)
                })
            })
            .map(|(_, policy)| policy.name_any());
        Some(Self {
            inventory_name,
            recorded,
            present,
            deleted: false,
            seen,
            policy,
            job,
        })
    }

    /// Whether it was not listed, and its deletion is not recorded.
    fn is_undated(&self) -> bool {
        let recorded = self.recorded.as_ref().map(|recorded| &recorded.spec);
        !self.present && recorded.is_some_and(has_undated)
    }
}

fn seen(resource: FlinkResource, job: &JobEvidence) -> Seen {
    let FlinkResource { uid, labels } = resource;
    let bases: Vec<String> = job.bases.iter().map(ToString::to_string).collect();
    Seen {
        job: JobReference {
            api_version: format!("{GROUP}/{VERSION}"),
            kind: job.name.kind.clone(),
            name: job.name.name.clone(),
        },
        uid,
        labels,
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

async fn write(operator: &Operator, look: Look) -> Outcome {
    let scan = operator.scans.of(&look.job.name);
    match inventory(operator, &look, scan.as_ref()).await {
        Ok(inventory) => Outcome::Written(look.job.name, row(&inventory, scan.as_ref())),
        Err(error) => {
            let recorded = look.recorded.as_ref();
            let row = recorded.and_then(|recorded| row(recorded, scan.as_ref()));
            Outcome::Failed(look.job.name, row, error)
        }
    }
}

async fn inventory(
    operator: &Operator,
    look: &Look,
    scan: Option<&JobScan>,
) -> kube::Result<CheckpointInventory> {
    let now = operator.clock.now();
    let api: Api<CheckpointInventory> = operator.in_namespace(&look.job.name.namespace);
    let recorded = look.recorded.as_ref().map(|recorded| &recorded.spec);
    let merged = match (&look.seen, recorded) {
        (Some(seen), _) => Some(merge(recorded, seen.clone(), now)),
        (None, Some(recorded)) if look.deleted => Some(Merged {
            spec: deleted(recorded, now),
            truncated: false,
        }),
        (None, _) => None,
    };
    let truncated = merged.as_ref().is_some_and(|merged| merged.truncated);
    let inventory = match (merged, &look.recorded) {
        (Some(Merged { spec, truncated: _ }), recorded)
            if recorded.as_ref().map(|recorded| &recorded.spec) != Some(&spec) =>
        {
            record(&api, &look.inventory_name, recorded.as_ref(), &spec).await?
        }
        (_, Some(recorded)) => recorded.clone(),
        // Without anything seen there is a record; the compiler does not know.
        (_, None) => CheckpointInventory::default(),
    };
    let next = status(Facts {
        job: &look.job,
        present: look.present,
        generation: inventory.metadata.generation,
        existing: inventory.status.as_ref(),
        scan,
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
        "True" => (false, Reason::Restorable),
        "False" => (true, Reason::NotRestorable),
        _ => return None,
    };
    Some(News {
        warning,
        reason,
        note: after.message,
    })
}
