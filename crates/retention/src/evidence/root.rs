use crate::location::Location;
use crate::reference::DirectoryKey;

/// Evidence that a snapshot must stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Root {
    pub snapshot: DirectoryKey,
    /// The directory itself, where the resource gives a whole path: it is read even if it lies in no base, for a
    /// checkpoint that somebody copied still names the files of the original.
    pub location: Option<Location>,
    /// Who says so, as a person would name it: `FlinkDeployment flink/orders`.
    pub named_by: String,
}
