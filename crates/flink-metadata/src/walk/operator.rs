//! An operator: header, coordinator state, subtasks.

use super::{Build, MAX_PARALLELISM, OperatorParts, Walk};
use crate::cursor::out_of_range;
use crate::error::{Error, Problem, Within};
use crate::layout::Version;
use crate::modified_utf8::Utf;
use crate::reference::Slot;
use crate::visitor::OperatorHeader;
use crate::{OperatorId, Origin};

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    pub(super) fn operator(&mut self) -> Result<B::Operator, Error> {
        let header = self.operator_header()?;
        let parallelism = header.parallelism;
        self.counts.operators = self.counts.operators.saturating_add(1);
        self.build.begin_operator(&header);
        self.origin = Origin {
            operator: header.id,
            subtask: None,
            slot: Slot::Coordinator,
            materialized: false,
        };
        let coordinator = match self.layout.version {
            Version::V2 => None,
            _ => self.coordinator().field("coordinatorState")?,
        };
        let Some(count) = self
            .subtask_count(parallelism, coordinator.is_some())
            .field("subtasks")?
        else {
            let parts = OperatorParts {
                header,
                coordinator,
                fully_finished: true,
                subtasks: Vec::new(),
            };
            return Ok(self.build.operator(parts));
        };
        self.subtask_indices.clear();
        let subtasks = self.list("subtasks", count, |walk| walk.subtask(parallelism))?;
        self.unique_subtasks()?;
        Ok(self.build.operator(OperatorParts {
            header,
            coordinator,
            fully_finished: false,
            subtasks,
        }))
    }

    fn operator_header(&mut self) -> Result<OperatorHeader<'a>, Error> {
        let (name, uid) = match self.layout.version {
            Version::V2 | Version::V3 | Version::V4 => (None, None),
            Version::V5 | Version::V6 => (
                self.cursor.utf().field("operatorName")?,
                self.cursor.utf().field("operatorUid")?,
            )
                .into_some(),
        };
        let id = OperatorId(self.cursor.id().field("operatorId")?);
        let start = self.cursor.offset();
        let parallelism = self.cursor.i32().field("parallelism")?;
        let max_parallelism = self.cursor.i32().field("maxParallelism")?;
        let limits = "1 <= parallelism <= maxParallelism <= 32768";
        let wrong = |value: i32| out_of_range(i64::from(value), limits, start);
        if !(1..=MAX_PARALLELISM).contains(&i64::from(max_parallelism)) {
            return Err(wrong(max_parallelism)).field("maxParallelism");
        }
        if !(1..=max_parallelism).contains(&parallelism) {
            return Err(wrong(parallelism)).field("parallelism");
        }
        if self.layout.version == Version::V2 {
            self.cursor.i32().field("chainLength")?;
        }
        let parallelism = u32::try_from(parallelism).map_err(|_| wrong(parallelism))?;
        let max_parallelism = u32::try_from(max_parallelism).map_err(|_| wrong(max_parallelism))?;
        Ok(OperatorHeader {
            id,
            name,
            uid,
            parallelism,
            max_parallelism,
        })
    }

    /// Flink accepts nothing but null and inline bytes here.
    fn coordinator(&mut self) -> Result<Option<B::Stream>, Error> {
        match self.cursor.peek() {
            Some(0 | 1) | None => self.stream(),
            Some(tag) => Err(self.cursor.error(Problem::MisplacedTag {
                what: "coordinator state",
                tag,
            })),
        }
    }

    /// None for a fully finished operator, which Flink 1.14 and later write as -1.
    fn subtask_count(
        &mut self,
        parallelism: u32,
        coordinator: bool,
    ) -> Result<Option<usize>, Error> {
        let start = self.cursor.offset();
        let value = self.cursor.i32()?;
        let minimum = match self.layout.version {
            Version::V2 => 26,
            _ if value == -1 && !coordinator => return Ok(None),
            _ => 4,
        };
        let count = self.cursor.bounded(value, minimum, start)?;
        if i64::from(value) > i64::from(parallelism) {
            return Err(out_of_range(
                i64::from(value),
                "a number of subtasks up to the parallelism",
                start,
            ));
        }
        Ok(Some(count))
    }

    fn unique_subtasks(&mut self) -> Result<(), Error> {
        let indices = &mut self.subtask_indices;
        if !indices.is_sorted_by(|a, b| a < b) {
            indices.sort_unstable();
            if let Some(pair) = indices.array_windows::<2>().find(|[a, b]| a == b) {
                let index = pair[0];
                return Err(self.cursor.error(Problem::DuplicateSubtask { index }));
            }
        }
        Ok(())
    }
}

/// Flink writes absent names as empty text.
trait IntoSome<'a> {
    fn into_some(
        self,
    ) -> (
        Option<std::borrow::Cow<'a, str>>,
        Option<std::borrow::Cow<'a, str>>,
    );
}

impl<'a> IntoSome<'a> for (Utf<'a>, Utf<'a>) {
    fn into_some(
        self,
    ) -> (
        Option<std::borrow::Cow<'a, str>>,
        Option<std::borrow::Cow<'a, str>>,
    ) {
        let some = |text: Utf<'a>| (!text.is_empty()).then(|| text.to_string_lossy());
        (some(self.0), some(self.1))
    }
}
