//! Every reason that a condition, an event or a run can give: one list, so that none can be left undocumented.

mod place;

use std::fmt;

pub use place::Place;

/// The type and the list of all of its values cannot differ.
macro_rules! reasons {
    ($($(#[$group:meta])* $reason:ident in [$($place:ident),+];)+) => {
        /// A stable word in `CamelCase`, written as its name is. `docs/troubleshooting.md` has a section for each.
        #[allow(missing_docs, reason = "the section in the documentation says what each means")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$group])* $reason,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$reason),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$reason => stringify!($reason),)+ }
            }

            /// Where it is told.
            #[must_use]
            pub const fn places(self) -> &'static [Place] {
                match self { $(Self::$reason => &[$(Place::$place),+],)+ }
            }
        }
    };
}

reasons! {
    // Of policies: `Ready`. What stands in the way of everything ends a run with the same word.
    Reconciled in [PolicyReady];
    NotSupportedYet in [PolicyReady, PolicyEnforcing, RunComplete];
    InvalidSelector in [PolicyReady, RunComplete];
    TooManyLabels in [PolicyReady];
    InvalidSchedule in [PolicyReady];
    BaseNotGranted in [PolicyReady, RunComplete];
    BaseUnreachable in [PolicyReady, RunComplete];
    EndpointNotGranted in [PolicyReady, RunComplete];
    NotAdopted in [PolicyReady];
    NoIdentity in [PolicyReady, RunComplete];
    InvalidSecretName in [PolicyReady, RunComplete];
    SecretForbidden in [PolicyReady, RunComplete];
    SecretNotFound in [PolicyReady, RunComplete];
    SecretIncomplete in [PolicyReady, RunComplete];
    WorkersNotServed in [PolicyReady, RunComplete];
    WorkerForbidden in [PolicyReady, RunComplete];
    PodTemplateUnreadable in [PolicyReady, RunComplete];
    VolumesDiffer in [PolicyReady, RunComplete];
    UsersDiffer in [PolicyReady, RunComplete];
    VolumeExclusive in [PolicyReady, RunComplete];
    ClaimNotFound in [PolicyReady, RunComplete];
    MountedByOperator in [PolicyReady, RunComplete];
    Unreadable in [PolicyReady, PolicyEnforcing, RunComplete];

    // Of policies: `Enforcing`.
    Active in [PolicyEnforcing];
    WaitingForGrace in [PolicyEnforcing];
    AwaitingApproval in [PolicyEnforcing, RunComplete, RunEvent];
    DryRun in [PolicyEnforcing];
    NoJobs in [PolicyEnforcing];
    NoBases in [PolicyEnforcing];
    Suspended in [PolicyEnforcing];
    PausedByAdministrator in [PolicyEnforcing];
    AdministratorFileUnusable in [PolicyEnforcing];
    WorkerOnlyLooks in [PolicyEnforcing];

    // Of policies: the rest.
    NoOverlap in [PolicyOverlapping];
    SelectedTwice in [PolicyOverlapping];
    AllSupported in [PolicyUnsupported];
    UnsupportedFields in [PolicyUnsupported];
    AllFound in [PolicyPinNotFound, RunPinNotFound];
    NoSuchSnapshot in [PolicyPinNotFound, RunPinNotFound];
    NothingPinned in [PolicyPinNotFound];

    // Of runs: how they ended.
    Waiting in [RunComplete];
    Succeeded in [RunComplete, RunEvent];
    Failed in [RunComplete, RunEvent];
    Blocked in [RunComplete, RunEvent];
    Cancelled in [RunComplete, RunBlockedBy, RunEvent];
    NoPolicy in [RunComplete];
    PolicyUnreadable in [RunComplete];
    WrongDigest in [RunComplete];
    ApprovalExpired in [RunComplete];
    Superseded in [RunComplete];
    BrokenOff in [RunComplete];
    CredentialsRefused in [RunComplete];
    StorageForbidden in [RunComplete];
    StorageError in [RunComplete];
    Defect in [RunComplete];
    WorkerUnschedulable in [RunComplete];
    WorkerYielded in [RunComplete];
    WorkerDeadline in [RunComplete];
    WorkerFailed in [RunComplete];

    // Of runs: what kept them from deleting all that they wanted.
    BaseOwnedByAnother in [RunBlockedBy];
    JournalUnusable in [RunBlockedBy];
    ClockSkew in [RunBlockedBy];
    IncompleteListing in [RunBlockedBy];
    ReferencedShrank in [RunBlockedBy];
    PlanNotFound in [RunBlockedBy];
    VerificationTooSlow in [RunBlockedBy];
    LimitReached in [RunBlockedBy];

    // Of inventories.
    Verified in [InventoryRestorable];
    CompletedByFlink in [InventoryRestorable];
    NotVerified in [InventoryRestorable];
    FilesMissing in [InventoryRestorable];
    NewestUnreadable in [InventoryRestorable];
    NoSnapshot in [InventoryRestorable];
    JobEnded in [InventoryRestorable];
    NotScanned in [InventoryRestorable];
    Answered in [InventoryJobManagerReachable];
    Unreachable in [InventoryJobManagerReachable];
    NotAsked in [InventoryJobManagerReachable];
    TooManyEntries in [InventoryLineageTruncated];
    Present in [InventoryResourcePresent];
    Unclear in [InventoryResourcePresent];
    Deleted in [InventoryResourcePresent];

    // Of events alone.
    Ready in [PolicyEvent];
    NotReady in [PolicyEvent];
    Overlapping in [PolicyEvent];
    PinNotFound in [PolicyEvent];
    Restorable in [InventoryEvent];
    NotRestorable in [InventoryEvent];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Reason {
    /// Whether conditions of this type give it.
    #[must_use]
    pub fn is_of(self, condition: &str) -> bool {
        let mut places = self.places().iter();
        places.any(|place| place.of().1 == Some(condition))
    }
}
