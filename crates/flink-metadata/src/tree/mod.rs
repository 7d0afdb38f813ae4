//! The whole contents of a `_metadata` file as an owned tree, for people and for JSON.

mod build;
mod handle;

use serde::Serialize;

use crate::error::Error;
use crate::operator_id::OperatorId;
use crate::summary::Summary;
use crate::walk::walk;

pub use handle::{
    ChangelogPart, ChannelInfo, ChannelState, DistributionMode, KeyGroupRange, KeyedState,
    LocalFile, MergeDirectories, NamedState, OperatorState, StreamState,
};

/// A parsed `_metadata` file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Version, id, properties and counts.
    #[serde(flatten)]
    pub summary: Summary,
    /// State of master hooks.
    pub master_states: Vec<MasterState>,
    /// Operators, in the order of the file, which is arbitrary.
    pub operators: Vec<Operator>,
}

/// State of a master hook (`MasterState`). What is in it is the hook's own affair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MasterState {
    /// Name of the hook.
    pub name: String,
    /// Version of its format.
    pub version: i32,
    /// Length of its payload in bytes.
    pub bytes: u64,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// Its name. Version 5 and later.
    pub name: Option<String>,
    /// The uid that the job's author gave it. Version 5 and later.
    pub uid: Option<String>,
    /// Parallelism.
    pub parallelism: u32,
    /// Max parallelism.
    pub max_parallelism: u32,
    /// All of its subtasks have finished; it has no state any more.
    pub fully_finished: bool,
    /// State of its coordinator.
    pub coordinator: Option<StreamState>,
    /// Its subtasks; those without any state may be absent.
    pub subtasks: Vec<Subtask>,
}

/// One subtask of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subtask {
    /// Index, from 0.
    pub index: u32,
    /// It has finished and has no state any more.
    pub finished: bool,
    /// Managed operator state.
    pub managed_operator: Option<OperatorState>,
    /// Raw operator state.
    pub raw_operator: Option<OperatorState>,
    /// Managed keyed state.
    pub managed_keyed: Option<KeyedState>,
    /// Raw keyed state.
    pub raw_keyed: Option<KeyedState>,
    /// In-flight data of input channels.
    pub input_channels: Vec<ChannelState>,
    /// In-flight data of result subpartitions.
    pub output_channels: Vec<ChannelState>,
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Metadata, Error> {
    let walked = walk(bytes, &mut build::Tree)?;
    let master_states = walked.body.master_states;
    Ok(Metadata {
        summary: walked.summary,
        master_states,
        operators: walked.body.operators,
    })
}
