//! The places where reasons are told.

/// Where a reason is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Condition `Ready` of a policy.
    PolicyReady,
    /// Condition `Enforcing` of a policy.
    PolicyEnforcing,
    /// Condition `Overlapping` of a policy.
    PolicyOverlapping,
    /// Condition `Unsupported` of a policy.
    PolicyUnsupported,
    /// Condition `PinNotFound` of a policy.
    PolicyPinNotFound,
    /// Condition `Complete` of a run.
    RunComplete,
    /// Condition `PinNotFound` of a run.
    RunPinNotFound,
    /// `status.blockedBy` of a run.
    RunBlockedBy,
    /// Condition `Restorable` of an inventory.
    InventoryRestorable,
    /// Condition `JobManagerReachable` of an inventory.
    InventoryJobManagerReachable,
    /// Condition `LineageTruncated` of an inventory.
    InventoryLineageTruncated,
    /// Condition `ResourcePresent` of an inventory.
    InventoryResourcePresent,
    /// An event about a policy.
    PolicyEvent,
    /// An event about a run.
    RunEvent,
    /// An event about an inventory.
    InventoryEvent,
}

impl Place {
    /// Every place, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::PolicyReady,
        Self::PolicyEnforcing,
        Self::PolicyOverlapping,
        Self::PolicyUnsupported,
        Self::PolicyPinNotFound,
        Self::PolicyEvent,
        Self::RunComplete,
        Self::RunBlockedBy,
        Self::RunPinNotFound,
        Self::RunEvent,
        Self::InventoryRestorable,
        Self::InventoryJobManagerReachable,
        Self::InventoryLineageTruncated,
        Self::InventoryResourcePresent,
        Self::InventoryEvent,
    ];

    /// The kind of the object, and the type of the condition if it is one.
    #[must_use]
    pub const fn of(self) -> (&'static str, Option<&'static str>) {
        use crate::api::checkpoint_inventory::condition as inventory;
        use crate::api::retention_policy::condition as policy;
        use crate::api::retention_run::condition as run;
        const POLICY: &str = "RetentionPolicy";
        const RUN: &str = "RetentionRun";
        const INVENTORY: &str = "CheckpointInventory";
        match self {
            Self::PolicyReady => (POLICY, Some(policy::READY)),
            Self::PolicyEnforcing => (POLICY, Some(policy::ENFORCING)),
            Self::PolicyOverlapping => (POLICY, Some(policy::OVERLAPPING)),
            Self::PolicyUnsupported => (POLICY, Some(policy::UNSUPPORTED)),
            Self::PolicyPinNotFound => (POLICY, Some(policy::PIN_NOT_FOUND)),
            Self::RunComplete => (RUN, Some(run::COMPLETE)),
            Self::RunPinNotFound => (RUN, Some(run::PIN_NOT_FOUND)),
            Self::InventoryRestorable => (INVENTORY, Some(inventory::RESTORABLE)),
            Self::InventoryJobManagerReachable => {
                (INVENTORY, Some(inventory::JOB_MANAGER_REACHABLE))
            }
            Self::InventoryLineageTruncated => (INVENTORY, Some(inventory::LINEAGE_TRUNCATED)),
            Self::InventoryResourcePresent => (INVENTORY, Some(inventory::RESOURCE_PRESENT)),
            Self::PolicyEvent => (POLICY, None),
            Self::RunBlockedBy | Self::RunEvent => (RUN, None),
            Self::InventoryEvent => (INVENTORY, None),
        }
    }

    /// What is told there.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::PolicyReady => {
                "the operator can do its work for the policy; says nothing about the jobs"
            }
            Self::PolicyEnforcing => "files are deleted, or will be once they are ripe",
            Self::PolicyOverlapping => {
                "another policy selects one of the same jobs, so neither acts on it"
            }
            Self::PolicyUnsupported => "the spec uses fields that this version does not honour",
            Self::PolicyPinNotFound | Self::RunPinNotFound => {
                "`savepoints.pinned` names a snapshot that the run has not seen; only where something is pinned"
            }
            Self::RunComplete => "the run has finished",
            Self::RunBlockedBy => {
                "what kept the run from deleting all that it wanted, each with a sentence; a run that could not begin has its reason here, too"
            }
            Self::InventoryRestorable => "the job can be started from `status.latestRestorable`",
            Self::InventoryJobManagerReachable => "the JobManager of the job answers",
            Self::InventoryLineageTruncated => {
                "entries of the lineage were lost; what they named is protected. Absent otherwise"
            }
            Self::InventoryResourcePresent => "the Flink resource exists",
            Self::PolicyEvent | Self::RunEvent | Self::InventoryEvent => {
                "told once, when it becomes so"
            }
        }
    }
}
