//! Two policies for one job: neither is enforced for it.

use std::collections::{BTreeMap, BTreeSet};

use retention::evidence::JobName;

use crate::api::JobSelector;
use crate::api::selector::{KnownLabels, Selects};

/// Another policy of the namespace.
#[derive(Clone, Debug)]
pub(in crate::operator) struct Rival {
    pub(in crate::operator) name: String,
    /// None if the policy cannot be read: it may select anything.
    pub(in crate::operator) selector: Option<JobSelector>,
}

/// A job that may be selected, with its labels.
#[derive(Clone, Debug)]
pub(super) struct Labelled<'a> {
    pub(super) job: JobName,
    pub(super) labels: KnownLabels<'a>,
}

/// The jobs that other policies select as well, with the names of these policies.
pub(super) fn overlaps(
    selected: &[Labelled<'_>],
    rivals: &[Rival],
) -> BTreeMap<JobName, BTreeSet<String>> {
    let mut overlaps: BTreeMap<JobName, BTreeSet<String>> = BTreeMap::new();
    for Labelled { job, labels } in selected {
        for Rival { name, selector } in rivals {
            let selects = match selector {
                None => true,
                Some(selector) => match selector.selects(*labels) {
                    Ok(Selects::No) => false,
                    // Of a label that is not known nobody can say that it keeps the job out. What contradicts itself is
                    // repaired some day, and may mean any job then.
                    Ok(Selects::Yes | Selects::Unclear) | Err(_) => true,
                },
            };
            if selects {
                overlaps
                    .entry(job.clone())
                    .or_default()
                    .insert(name.clone());
            }
        }
    }
    overlaps
}
