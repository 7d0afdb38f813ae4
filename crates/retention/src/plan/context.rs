use super::Survey;
use super::exclusive::ExclusiveBases;
use super::forgotten::forgotten;
use super::unread_maps::unread_maps;
use crate::evidence::{Evidence, Gap};
use crate::inventory::{BaseId, Inventory, ListedFile};
use crate::location::Location;
use crate::mark::{Baselines, Marks};
use crate::owner::{Owner, Owners};
use crate::policy::Policy;
use crate::restorable::WholeSnapshots;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// All that a decision may depend on.
#[derive(Debug)]
pub struct Context<'a> {
    /// What was observed after the last file was listed.
    pub evidence: &'a Evidence,
    /// Both scans.
    pub inventory: &'a Inventory,
    /// What was asked for, floors applied.
    pub policy: &'a Policy,
    /// Whose each job directory is.
    pub owners: Owners<'a>,
    /// The snapshots that Flink could start from.
    pub whole: WholeSnapshots,
    /// The time of the decision, after everything else was gathered.
    pub now: Timestamp,
    marks: &'a [Marks],
    baselines: &'a [Baselines],
    with_metadata: BTreeSet<(BaseId, &'a str)>,
    survey: Survey<'a>,
    exclusive: ExclusiveBases<'a>,
    forgotten: Vec<Gap>,
    unread_maps: Vec<Gap>,
}

/// A file that nobody names, and whose it is.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The file as it was listed.
    pub file: &'a ListedFile,
    /// Where it is.
    pub location: Location,
    /// The owner of its savepoint, or of its job directory; none outside of both.
    pub owner: Option<&'a Owner<'a>>,
}

impl<'a> Context<'a> {
    /// `marks` and `baselines` are by base, in the order of the inventory's bases; missing ones count as empty.
    #[must_use]
    pub fn new(
        evidence: &'a Evidence,
        inventory: &'a Inventory,
        policy: &'a Policy,
        marks: &'a [Marks],
        baselines: &'a [Baselines],
        now: Timestamp,
    ) -> Self {
        let stored = inventory
            .stored()
            .map(|(_, place)| (place.base, &place.placement));
        let unreadable = inventory
            .unreadable()
            .map(|(file, _)| (file.base, &file.placement));
        let with_metadata = stored
            .chain(unreadable)
            .filter_map(|(base, placement)| {
                Some((base, placement.snapshot.as_deref()?.path.as_str()))
            })
            .collect();
        let whole = WholeSnapshots::of(inventory);
        let owners = Owners::of(evidence, inventory, &whole).adopting(
            &policy.adopt,
            evidence,
            inventory,
            now,
        );
        let survey = Survey::of(evidence, inventory, &owners);
        Self {
            evidence,
            inventory,
            policy,
            owners,
            whole,
            now,
            marks,
            baselines,
            with_metadata,
            survey,
            exclusive: ExclusiveBases::of(evidence, policy),
            forgotten: forgotten(inventory, baselines),
            unread_maps: unread_maps(evidence),
        }
    }

    /// Everything that could not be learned.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &Gap> {
        let observed = self.evidence.gaps.iter();
        observed.chain(&self.inventory.gaps).chain(&self.forgotten)
    }

    /// What is in high-availability data that could not be read.
    pub(crate) fn unread_maps(&self) -> &[Gap] {
        &self.unread_maps
    }

    /// Whether no snapshot in that directory names a file at `location`, by the administrator's word.
    pub(crate) fn is_ruled_out(&self, directory: &Location, location: &Location) -> bool {
        self.exclusive.rules_out(directory, location)
    }

    /// The marks of a base.
    #[must_use]
    pub fn marks(&self, base: BaseId) -> Option<&'a Marks> {
        self.marks.get(base.0)
    }

    /// The baselines of a base.
    #[must_use]
    pub fn baselines(&self, base: BaseId) -> Option<&'a Baselines> {
        self.baselines.get(base.0)
    }

    /// The baselines of every base.
    #[must_use]
    pub fn all_baselines(&self) -> &'a [Baselines] {
        self.baselines
    }

    /// Whether a snapshot directory holds a `_metadata`, readable or not.
    #[must_use]
    pub fn has_metadata(&self, base: BaseId, directory: &str) -> bool {
        self.with_metadata.contains(&(base, directory))
    }

    /// When a file was written, or a later one that nobody names in the same snapshot directory: what a checkpoint or
    /// savepoint left behind is as young as its youngest file.
    #[must_use]
    pub fn newest_in_directory(&self, file: &ListedFile) -> Option<Timestamp> {
        let directory = file.placement.snapshot.as_deref();
        let newest =
            directory.and_then(|directory| self.survey.newest_leftover(file.base, &directory.path));
        file.modified.max(newest)
    }

    pub(crate) fn survey(&self) -> &Survey<'a> {
        &self.survey
    }

    /// The file with its place and owner; none if its base is not of this inventory.
    #[must_use]
    pub fn candidate<'c>(&'c self, file: &'c ListedFile) -> Option<Candidate<'c>> {
        Some(Candidate {
            file,
            location: self.inventory.location(file.base, &file.path)?,
            owner: self.owners.at(file.base, &file.placement),
        })
    }
}

impl Candidate<'_> {
    /// Whether it lies in the directory of a savepoint.
    #[must_use]
    pub fn in_savepoint(&self) -> bool {
        let directory = self.file.placement.snapshot.as_deref();
        directory.is_some_and(|directory| directory.checkpoint_id.is_none())
    }
}
