use super::journal::{Epoch, Journal, JournalError, LeaseTerm, OwnerId, Proposal, Written};
use super::metadata_cache::MetadataCache;
use super::report::{Blocked, Outcome, Report};
use super::{Clock, Consent, Observer, Progress, Step, Stores, enact, scan};
use retention::approval::Approved;
use retention::guard::{Guard, Protection};
use retention::inventory::{BaseId, Inventory};
use retention::location::Location;
use retention::mark::{Baselines, Marks};
use retention::owner::Owner;
use retention::plan::{Context, Decision, Plan, Ripeness, plan, summarise};
use retention::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage::StorageError;
use tokio_util::sync::CancellationToken;

/// One execution of a policy over some bases.
#[derive(Debug)]
pub struct Run<'a> {
    pub observer: &'a dyn Observer,
    pub stores: &'a Stores,
    pub clock: &'a dyn Clock,
    pub progress: &'a dyn Progress,
    pub cache: &'a MetadataCache,
    pub policy: &'a Policy,
    /// The directories whose files are judged.
    pub bases: Vec<Location>,
    /// Whose storage may be acted upon within these bases: job ids of the policy's jobs. None: any known owner.
    pub scope: Option<Scope>,
    pub mode: Mode,
    /// Whether a person has to agree, or has agreed, to what is deleted.
    pub consent: Consent,
    /// Who we are in the journals. With none, no journal is read or written, and nothing can be deleted.
    pub owner: Option<OwnerId>,
    /// The lease by which we act, where there is one.
    pub term: Option<LeaseTerm>,
    pub cancel: CancellationToken,
}

/// The jobs that a policy selects, by the names of their resources.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub jobs: BTreeSet<retention::evidence::JobName>,
}

impl Scope {
    fn selects(&self, owner: &Owner<'_>) -> bool {
        let job = owner.job.as_ref();
        owner.adopted || job.is_some_and(|job| self.jobs.contains(&job.name))
    }
}

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Look and tell: nothing is written anywhere.
    DryRun,
    /// Mark, and delete what is ripe.
    Enforce,
}

/// A run that could not say anything.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{location} cannot be reached from here; mount it and say so with --mount")]
    Unreachable { location: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RunError {
    /// A stable word for metrics and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Storage(error) => error.category(),
        }
    }
}

impl Run<'_> {
    /// Observe, scan, plan, enact, report.
    pub async fn execute(&self) -> Result<Report, RunError> {
        let started = self.clock.now();
        // Observe: to learn where to look.
        self.progress.step(Step::Observe);
        let before = self.observer.observe().await;

        // Scan: references first, then files against them.
        self.progress.step(Step::ReadSnapshots);
        let scan = scan::ReferenceScan {
            stores: self.stores,
            cache: self.cache,
            progress: self.progress,
            cancel: &self.cancel,
        };
        let remembered = self.remembered().await;
        let mut inventory = scan::read_references(scan, &self.bases, &remembered, &before).await;
        self.progress.step(Step::ListFiles);
        for position in 0..self.bases.len() {
            let base = BaseId(position);
            let owner = self.owner.as_ref();
            scan::list_files(scan, self.clock, &mut inventory, base, &before, owner).await;
        }
        self.progress.step(Step::CheckFiles);
        scan::look_up(scan, &mut inventory).await;

        // Observe again: the roots and counters that count are those after the last candidate was listed.
        self.progress.step(Step::Observe);
        let evidence = self.observer.observe().await;
        let mut outcome = Outcome::default();
        let journals = self.read_journals(&inventory, &mut outcome).await;
        let Journals {
            marks,
            baselines,
            epochs,
            approved,
        } = journals;

        // Plan.
        let now = self.clock.now();
        let context = Context::new(&evidence, &inventory, self.policy, &marks, &baselines, now);
        let plan = self.within_bounds(&context, approved.as_ref(), plan(&context));
        let summaries = summarise(&context, &plan);

        // Enact.
        match self.mode {
            Mode::DryRun => {}
            Mode::Enforce => {
                let found = enact::Found {
                    context: &context,
                    plan: &plan,
                    marks: &marks,
                    baselines: &baselines,
                    epochs: &epochs,
                    approved: approved.as_ref(),
                };
                enact::enact(self, found, started, &mut outcome).await;
            }
        }
        if self.cancel.is_cancelled() && !outcome.blocked.contains(&Blocked::Cancelled) {
            outcome.blocked.push(Blocked::Cancelled);
        }
        self.cache.sweep();

        // Report.
        Ok(Report {
            started,
            finished: self.clock.now(),
            plan,
            summaries,
            outcome,
            evidence,
            inventory,
            marks,
            baselines,
        })
    }

    /// The directories that earlier runs saw to name files in these bases. Whoever appears only when the journals are read
    /// for good was not looked into, and protects.
    async fn remembered(&self) -> Vec<Location> {
        let mut remembered = Vec::new();
        for position in 0..self.bases.len() {
            let Some(journal) = self.journal(BaseId(position)) else {
                continue;
            };
            // Whatever is wrong with it is said when it is read for good.
            let referrers = journal.referrers().await.unwrap_or_default();
            let directories = referrers.iter().map(|referrer| &referrer.directory);
            remembered.extend(directories.map(|directory| self.stores.as_mounted(directory)));
        }
        remembered
    }

    /// The journal of a base, where it can be reached.
    pub(super) fn journal(&self, base: BaseId) -> Option<Journal> {
        let location = self.bases.get(base.0)?;
        let (storage, key) = self.stores.resolve(location)?;
        Journal::of(storage, &key, location)
    }

    /// A plan that goes no further than the policy's jobs and a person's approval.
    pub(super) fn within_bounds(
        &self,
        context: &Context<'_>,
        approved: Option<&Approved>,
        plan: Plan,
    ) -> Plan {
        let plan = self.within_scope(context, plan);
        match approved {
            Some(approved) => approved.bound(context.inventory, plan),
            None => plan,
        }
    }

    /// Files of jobs that the policy does not select are none of its business.
    fn within_scope(&self, context: &Context<'_>, mut plan: Plan) -> Plan {
        let Some(scope) = &self.scope else {
            return plan;
        };
        let why: Arc<str> = "its job is not selected by this policy".into();
        for entry in plan
            .entries
            .iter_mut()
            .filter(|entry| entry.decision.deletes())
        {
            let owner = context.owners.at(entry.base, &entry.placement);
            if !owner.is_some_and(|owner| scope.selects(owner)) {
                // Protected, not kept: another policy's mark of it must outlive this run.
                entry.decision = Decision::Protected(Protection {
                    guard: Guard::NotSelected,
                    why: Arc::clone(&why),
                });
                entry.ripeness = Ripeness::NotApplicable;
            }
        }
        plan
    }

    /// What earlier runs left in each base. To act on a base is to own it, from before its marks were read: then no
    /// other run can write marks that this one would undo.
    async fn read_journals(&self, inventory: &Inventory, outcome: &mut Outcome) -> Journals {
        let mut journals = Journals::default();
        for (position, location) in self.bases.iter().enumerate() {
            let base = BaseId(position);
            let mut owner = match self.mode {
                Mode::Enforce => self.owner.as_ref(),
                Mode::DryRun => None,
            };
            if self.mode == Mode::Enforce
                && let Err(blocked) = enact::check_base(inventory, base)
            {
                outcome.blocked.push(blocked);
                owner = None;
            }
            let mut read = Read::default();
            if let Some(journal) = self.journal(base) {
                let name = location.to_string();
                if let Err(error) = self.read_journal(&journal, owner, &mut read).await {
                    outcome.blocked.push(enact::blocked(&name, error));
                }
                if let Err(blocked) = self
                    .compare_clocks(&journal, &name, &mut read, outcome)
                    .await
                {
                    outcome.blocked.push(blocked);
                }
            }
            let Read {
                marks,
                baselines,
                epoch,
            } = read;
            journals.marks.push(marks);
            journals.baselines.push(baselines);
            journals
                .epochs
                .extend(epoch.map(|(epoch, _)| (base, epoch)));
        }
        if self.mode == Mode::Enforce {
            self.read_approval(&mut journals, outcome).await;
        }
        journals
    }

    /// What a person has approved, if this run depends on it. Without it nothing is done at all.
    async fn read_approval(&self, journals: &mut Journals, outcome: &mut Outcome) {
        let Consent::Approved(digest) = &self.consent else {
            return;
        };
        let Some(proposal) = self.find_proposal(digest, outcome).await else {
            journals.epochs.clear();
            let digest = digest.clone();
            return outcome.blocked.push(Blocked::PlanNotFound { digest });
        };
        for (location, baselines) in self.bases.iter().zip(&mut journals.baselines) {
            // A person says that this is how small the base is.
            let accepted = proposal.accept.get(&location.to_string()).copied();
            baselines.extent = accepted.or(baselines.extent);
        }
        journals.approved = Some(proposal.approved());
    }

    async fn find_proposal(
        &self,
        digest: &super::journal::PlanDigest,
        outcome: &mut Outcome,
    ) -> Option<Proposal> {
        for (position, location) in self.bases.iter().enumerate() {
            let Some(journal) = self.journal(BaseId(position)) else {
                continue;
            };
            match journal.proposal(digest).await {
                Ok(Some(proposal)) => return Some(proposal),
                Ok(None) => {}
                Err(error) => outcome
                    .blocked
                    .push(enact::blocked(&location.to_string(), error)),
            }
        }
        None
    }

    async fn read_journal(
        &self,
        journal: &Journal,
        owner: Option<&OwnerId>,
        read: &mut Read,
    ) -> Result<(), JournalError> {
        // Nothing is written over what cannot be read, so it is read first.
        if let Some(latest) = journal.latest_epoch().await? {
            (read.marks, read.baselines) = self.read_of(journal, &latest).await?;
        }
        let Some(owner) = owner else {
            return Ok(());
        };
        let from = self.clock.now();
        let epoch = journal.take(owner, self.term.as_ref(), from).await?;
        let until = self.clock.now();
        // A run that was before us may have ended marks until now.
        (read.marks, read.baselines) = self.read_of(journal, &epoch).await?;
        read.epoch = Some((epoch, Written { from, until }));
        Ok(())
    }

    /// Where no age can be told, nothing is marked either: the time of a mark would be as wrong.
    async fn compare_clocks(
        &self,
        journal: &Journal,
        name: &str,
        read: &mut Read,
        outcome: &mut Outcome,
    ) -> Result<(), Blocked> {
        let Some((epoch, written)) = &read.epoch else {
            return Ok(());
        };
        let skew = journal.skew_at_epoch(epoch, *written).await;
        let skew = skew.map_err(|error| enact::blocked(name, error));
        let apart = skew.and_then(|skew| {
            outcome.store_ahead.insert(name.to_owned(), skew);
            enact::check_clock(self.policy, name, skew)
        });
        if apart.is_err() {
            read.epoch = None;
        }
        apart
    }

    /// Of directories that are remembered, mounts may have changed since.
    async fn read_of(
        &self,
        journal: &Journal,
        epoch: &Epoch,
    ) -> Result<(Marks, Baselines), JournalError> {
        let (marks, mut baselines) = journal.read(epoch).await?;
        for referrer in &mut baselines.referrers {
            referrer.directory = self.stores.as_mounted(&referrer.directory);
        }
        Ok((marks, baselines))
    }
}

/// What earlier runs left, by base, and the bases that this run owns.
#[derive(Default)]
struct Journals {
    marks: Vec<Marks>,
    baselines: Vec<Baselines>,
    epochs: BTreeMap<BaseId, Epoch>,
    /// All that may go, if a person has set that bound.
    approved: Option<Approved>,
}

/// The same of one base.
#[derive(Default)]
struct Read {
    marks: Marks,
    baselines: Baselines,
    /// And when it was written.
    epoch: Option<(Epoch, Written)>,
}
