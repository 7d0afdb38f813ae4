//! What each operator of a snapshot has, by class of state.

use std::collections::{BTreeMap, BTreeSet};

use flink_metadata::{
    Error, Inline, OperatorHeader, OperatorId, Origin as Where, Reference, Scope, Visitor, visit,
};
use retention::layout::FileKind;
use retention::location::{Location, Origin};
use serde::Serialize;

use crate::cli::places;

/// An operator and the bytes of its state. A file that it names twice counts once.
#[derive(Debug, Serialize)]
pub(super) struct Operator {
    pub(super) id: OperatorId,
    pub(super) name: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) parallelism: u32,
    pub(super) max_parallelism: u32,
    /// Distinct files.
    pub(super) files: u64,
    /// In `chk-N` or in the savepoint: nobody else has them.
    pub(super) exclusive_bytes: u64,
    /// In `shared/`, merged or not.
    pub(super) shared_bytes: u64,
    /// Changelog, `taskowned/` and everything else.
    pub(super) other_bytes: u64,
    /// Inside the `_metadata` itself.
    pub(super) inline_bytes: u64,
}

/// Sums up the state of every operator, in the order of the file.
pub(super) fn read(bytes: &[u8], origin: &Origin) -> Result<Vec<Operator>, Error> {
    let mut collector = Collector {
        origin,
        operators: Vec::new(),
        positions: BTreeMap::new(),
        seen: BTreeSet::new(),
    };
    visit(bytes, &mut collector)?;
    Ok(collector.operators)
}

struct Collector<'o> {
    origin: &'o Origin,
    operators: Vec<Operator>,
    positions: BTreeMap<OperatorId, usize>,
    /// Files, and parts of files by their offset, that an operator has named.
    seen: BTreeSet<(OperatorId, String, Option<u64>)>,
}

enum Class {
    Exclusive,
    Shared,
    Other,
}

impl Visitor for Collector<'_> {
    fn operator(&mut self, header: &OperatorHeader<'_>) {
        self.positions.insert(header.id, self.operators.len());
        self.operators.push(Operator {
            id: header.id,
            name: header.name.as_deref().map(str::to_owned),
            uid: header.uid.as_deref().map(str::to_owned),
            parallelism: header.parallelism,
            max_parallelism: header.max_parallelism,
            files: 0,
            exclusive_bytes: 0,
            shared_bytes: 0,
            other_bytes: 0,
            inline_bytes: 0,
        });
    }

    fn reference(&mut self, reference: Reference<'_>, origin: &Where) {
        let (class, part, bytes) = match &reference {
            Reference::Directory { .. } => return,
            Reference::RelativeFile { length, .. } => (Class::Exclusive, None, length.stated()),
            Reference::File { path, length } => (self.class(path), None, length.stated()),
            Reference::Segment {
                start, size, scope, ..
            } => {
                let class = match scope {
                    Scope::Exclusive => Class::Exclusive,
                    Scope::Shared => Class::Shared,
                };
                (class, Some(*start), *size)
            }
        };
        let path = reference.path().to_owned();
        let first_of_file = part.is_none()
            || self
                .seen
                .range((origin.operator, path.clone(), None)..)
                .next()
                .is_none_or(|(operator, other, _)| (*operator, other) != (origin.operator, &path));
        if !self.seen.insert((origin.operator, path, part)) {
            return;
        }
        let Some(operator) = self.of(origin) else {
            return;
        };
        operator.files += u64::from(first_of_file);
        let sum = match class {
            Class::Exclusive => &mut operator.exclusive_bytes,
            Class::Shared => &mut operator.shared_bytes,
            Class::Other => &mut operator.other_bytes,
        };
        *sum = sum.saturating_add(bytes.unwrap_or(0));
    }

    fn inline(&mut self, inline: Inline<'_>, origin: &Where) {
        if let Some(operator) = self.of(origin) {
            let bytes = u64::try_from(inline.bytes.len()).unwrap_or(u64::MAX);
            operator.inline_bytes = operator.inline_bytes.saturating_add(bytes);
        }
    }
}

impl Collector<'_> {
    fn of(&mut self, origin: &Where) -> Option<&mut Operator> {
        let position = *self.positions.get(&origin.operator)?;
        self.operators.get_mut(position)
    }

    fn class(&self, path: &str) -> Class {
        let Ok(location) = Location::parse(path, self.origin) else {
            return Class::Other;
        };
        match places::kind(&location) {
            FileKind::Exclusive | FileKind::Savepoint => Class::Exclusive,
            FileKind::Shared | FileKind::Merged | FileKind::ForSt => Class::Shared,
            FileKind::CheckpointMetadata
            | FileKind::SavepointMetadata
            | FileKind::TemporaryMetadata
            | FileKind::EmptyCheckpoint
            | FileKind::TaskOwned
            | FileKind::Changelog
            | FileKind::Journal
            | FileKind::Foreign => Class::Other,
        }
    }
}
