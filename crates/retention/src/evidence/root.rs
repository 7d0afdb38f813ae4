use crate::reference::DirectoryKey;

/// Evidence that a snapshot must stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Root {
    pub snapshot: DirectoryKey,
    /// Who says so, as a person would name it: `FlinkDeployment flink/orders`.
    pub named_by: String,
}
