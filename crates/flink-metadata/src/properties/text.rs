//! Properties as text and as JSON, in the words of Flink.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{
    PostCheckpointAction, Properties, SavepointFormat, SharingFilesStrategy, SnapshotType,
};

impl SharingFilesStrategy {
    /// The name of Flink's constant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForwardBackward => "FORWARD_BACKWARD",
            Self::Forward => "FORWARD",
            Self::NoSharing => "NO_SHARING",
        }
    }
}

impl SavepointFormat {
    /// The name of Flink's constant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canonical => "CANONICAL",
            Self::Native => "NATIVE",
        }
    }
}

impl PostCheckpointAction {
    /// The name of Flink's constant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Suspend => "SUSPEND",
            Self::Terminate => "TERMINATE",
        }
    }
}

impl SnapshotType {
    /// How its files may be shared; savepoints share none.
    #[must_use]
    pub fn sharing(&self) -> Option<SharingFilesStrategy> {
        match self {
            Self::Checkpoint { sharing, .. } => *sharing,
            Self::Savepoint { .. } => Some(SharingFilesStrategy::NoSharing),
        }
    }
}

impl fmt::Display for SnapshotType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { name, sharing } => {
                let sharing = sharing.map_or("null", SharingFilesStrategy::as_str);
                write!(
                    f,
                    "CheckpointType{{name='{name}', sharingFilesStrategy={sharing}}}"
                )
            }
            Self::Savepoint {
                name,
                format,
                post_action,
            } => {
                let (action, format) = (post_action.as_str(), format.as_str());
                write!(
                    f,
                    "SavepointType{{name='{name}', postCheckpointAction={action}, formatType={format}}}"
                )
            }
        }
    }
}

impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            snapshot_type,
            forced,
            unclaimed: _,
            discard_subsumed,
            discard_finished,
            discard_cancelled,
            discard_failed,
            discard_suspended,
        } = self;
        write!(
            f,
            "CheckpointProperties{{forced={forced}, checkpointType={snapshot_type}, \
             discardSubsumed={discard_subsumed}, discardFinished={discard_finished}, \
             discardCancelled={discard_cancelled}, discardFailed={discard_failed}, \
             discardSuspended={discard_suspended}}}"
        )
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let format = match &self.snapshot_type {
            SnapshotType::Checkpoint { .. } => "null",
            SnapshotType::Savepoint { format, .. } => format.as_str(),
        };
        let sharing = self
            .snapshot_type
            .sharing()
            .map_or("null", SharingFilesStrategy::as_str);
        let mut fields = serializer.serialize_struct("Properties", 12)?;
        fields.serialize_field(
            "is_savepoint",
            &matches!(self.snapshot_type, SnapshotType::Savepoint { .. }),
        )?;
        fields.serialize_field("type", &self.snapshot_type.to_string())?;
        fields.serialize_field("format", format)?;
        fields.serialize_field("sharing", sharing)?;
        fields.serialize_field("unclaimed", &self.unclaimed)?;
        fields.serialize_field("forced", &self.forced)?;
        fields.serialize_field("discard_subsumed", &self.discard_subsumed)?;
        fields.serialize_field("discard_finished", &self.discard_finished)?;
        fields.serialize_field("discard_cancelled", &self.discard_cancelled)?;
        fields.serialize_field("discard_failed", &self.discard_failed)?;
        fields.serialize_field("discard_suspended", &self.discard_suspended)?;
        fields.serialize_field("to_string", &self.to_string())?;
        fields.end()
    }
}
