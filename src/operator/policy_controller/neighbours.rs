//! What a namespace has of ours. A hundred policies that are judged at once are judged by one look at it: each by a look
//! of its own would list a hundred times a hundred policies, and all their jobs and runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, ResourceExt};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep_until};

use super::PolicyError;
use crate::api::{CheckpointInventory, RetentionPolicy, RetentionRun};
use crate::operator::context::Operator;
use crate::operator::policy::Rival;

/// For how long a look is good for others if nothing is told to have changed. What is missed is made up for by the next
/// pass of the observe loop, and runs look for themselves.
const RECENT: Duration = Duration::from_secs(1);

/// All that can be read of it.
#[derive(Debug)]
pub(super) struct Neighbours {
    pub(super) inventories: Vec<CheckpointInventory>,
    /// Every policy.
    pub(super) policies: Vec<Rival>,
    pub(super) runs: Vec<RetentionRun>,
}

impl Neighbours {
    pub(super) async fn look(operator: &Operator, namespace: &str) -> Result<Self, PolicyError> {
        let failed = |action| {
            move |error| PolicyError::ApiServer {
                action,
                error: Box::new(error),
            }
        };
        let all = ListParams::default();
        let inventories: Api<DeserializeGuard<CheckpointInventory>> =
            operator.in_namespace(namespace);
        let policies: Api<DeserializeGuard<RetentionPolicy>> = operator.in_namespace(namespace);
        let runs: Api<DeserializeGuard<RetentionRun>> = operator.in_namespace(namespace);
        let inventories = inventories.list(&all).await;
        let inventories = inventories.map_err(failed("list CheckpointInventories"))?;
        let policies = policies.list(&all).await;
        let policies = policies.map_err(failed("list RetentionPolicies"))?;
        let runs = runs.list(&all).await;
        let runs = runs.map_err(failed("list RetentionRuns"))?;
        Ok(Self {
            inventories: inventories
                .into_iter()
                .filter_map(|DeserializeGuard(read)| read.ok())
                .collect(),
            policies: policies.into_iter().map(rival).collect(),
            runs: runs
                .into_iter()
                .filter_map(|DeserializeGuard(read)| read.ok())
                .collect(),
        })
    }
}

fn rival(DeserializeGuard(read): DeserializeGuard<RetentionPolicy>) -> Rival {
    match read {
        Ok(policy) => Rival {
            name: policy.name_any(),
            selector: Some(policy.spec.selector),
        },
        Err(invalid) => Rival {
            name: invalid.metadata.name.unwrap_or_default(),
            selector: None,
        },
    }
}

/// The last look at each namespace, as long as it is recent: thousands of inventories are no small thing to keep.
#[derive(Debug, Default)]
pub(super) struct RecentLooks(Mutex<BTreeMap<String, Arc<AsyncMutex<Option<Recent>>>>>);

#[derive(Debug)]
struct Recent {
    begun: Instant,
    /// How much had been told by then.
    told: u64,
    found: Arc<Neighbours>,
}

impl RecentLooks {
    /// A look that began after all that is told now.
    pub(super) async fn at(
        &self,
        operator: &Operator,
        namespace: &str,
    ) -> Result<Arc<Neighbours>, PolicyError> {
        let of_namespace = {
            let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(looks.entry(namespace.to_owned()).or_default())
        };
        // Whoever waits here most likely has the answer of whoever looks.
        let mut recent = of_namespace.lock().await;
        let (begun, told) = (Instant::now(), operator.told());
        let known = recent
            .as_ref()
            .filter(|recent| recent.is_good_at(begun, told));
        if let Some(recent) = known {
            return Ok(Arc::clone(&recent.found));
        }
        *recent = None;
        let found = Arc::new(Neighbours::look(operator, namespace).await?);
        *recent = Some(Recent {
            begun,
            told,
            found: Arc::clone(&found),
        });
        tokio::spawn(forget(begun, Arc::clone(&of_namespace)));
        Ok(found)
    }
}

/// Forgets the look that began then, when it is no longer recent.
async fn forget(begun: Instant, last: Arc<AsyncMutex<Option<Recent>>>) {
    sleep_until(begun + RECENT).await;
    last.lock().await.take_if(|recent| recent.begun == begun);
}

impl Recent {
    fn is_good_at(&self, now: Instant, told: u64) -> bool {
        self.told == told && now.duration_since(self.begun) < RECENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_good_until_something_is_told_or_a_second_is_over() {
        let begun = Instant::now();
        let recent = Recent {
            begun,
            told: 7,
            found: Arc::new(Neighbours {
                inventories: Vec::new(),
                policies: Vec::new(),
                runs: Vec::new(),
            }),
        };
        let later = begun + Duration::from_millis(999);
        assert!(recent.is_good_at(later, 7));
        assert!(!recent.is_good_at(later, 8));
        assert!(!recent.is_good_at(begun + RECENT, 7));
    }
}
