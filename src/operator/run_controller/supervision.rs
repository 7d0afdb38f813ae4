use std::collections::BTreeSet;
use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use retention::evidence::JobName;
use tokio::time::{MissedTickBehavior, interval};

use super::selection::narrowed;
use crate::api::{RetentionPolicy, RetentionRun};
use crate::engine::Mode;
use crate::operator::administrator::Administrator;
use crate::operator::context::Operator;

/// The administrator's file tells nobody that it has changed.
const LOOK_AT_FILE: Duration = Duration::from_secs(5);

/// Ends as soon as a run should not go on, and says why. A dry run stops only for its own sake.
pub(super) async fn reason_to_stop(
    operator: Arc<Operator>,
    run: RetentionRun,
    policy: RetentionPolicy,
    mode: Mode,
    allowed: Administrator,
    scope: BTreeSet<JobName>,
) -> String {
    let narrowed = narrowed(Arc::clone(&operator), policy.clone(), scope);
    let mut narrowed = pin!(narrowed);
    let namespace = run.namespace().unwrap_or_default();
    let mut runs = changes::<RetentionRun>(operator.in_namespace(&namespace), &run.name_any());
    let mut policies =
        changes::<RetentionPolicy>(operator.in_namespace(&namespace), &policy.name_any());
    let mut looks = interval(LOOK_AT_FILE);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let enforces = mode == Mode::Enforce;
    loop {
        tokio::select! {
            Some(found) = runs.next() => match found {
                None => return "the run was deleted".to_owned(),
                Some(found) if found.spec.cancel => return "cancelled".to_owned(),
                Some(_) => {}
            },
            why = &mut narrowed, if enforces => return why,
            Some(found) = policies.next(), if enforces => match found {
                None => return "the policy was deleted".to_owned(),
                Some(found) if found.metadata.uid != policy.metadata.uid => return "the policy was deleted and made anew".to_owned(),
                Some(found) if found.metadata.generation != policy.metadata.generation => {
                    return "the policy has changed: the next run follows it".to_owned();
                }
                Some(_) => {}
            },
            _ = looks.tick(), if enforces => {
                let now = operator.administrator().await.administrator;
                if let Some(pause) = now.paused {
                    return pause.why().to_owned();
                }
                // A grant may have been taken back, or a floor raised.
                if now != allowed {
                    return "the administrator's file has changed: the next run follows it".to_owned();
                }
            }
            else => future::pending().await,
        }
    }
}

/// One object after each of its changes; none when it is gone.
pub(super) fn changes<K>(
    api: Api<K>,
    name: &str,
) -> std::pin::Pin<Box<dyn Stream<Item = Option<K>> + Send>>
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let name = name.to_owned();
    let of_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut initial = None;
    let events = watcher(api, of_name)
        .default_backoff()
        .filter_map(move |event| {
            future::ready(match event {
                Ok(watcher::Event::Apply(object)) => Some(Some(object)),
                Ok(watcher::Event::InitApply(object)) => {
                    initial = Some(object);
                    None
                }
                Ok(watcher::Event::InitDone) => Some(initial.take()),
                Ok(watcher::Event::Delete(_)) => Some(None),
                Ok(watcher::Event::Init) | Err(_) => None,
            })
        });
    events.boxed()
}
