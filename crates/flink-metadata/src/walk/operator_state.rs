//! Operator-state handles.

use super::{Build, Delegates, Walk, add};
use crate::cursor::out_of_range;
use crate::error::{Error, Problem, Within};

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    /// Any operator-state handle; None for null.
    pub(super) fn operator_state(&mut self) -> Result<Option<B::OperatorState>, Error> {
        let start = self.cursor.offset();
        let merging = match self.cursor.u8()? {
            0 => return Ok(None),
            4 => false,
            17 => true,
            tag => {
                return Err(Error::new(
                    Problem::UnknownTag {
                        what: "operator state",
                        tag,
                    },
                    start,
                ));
            }
        };
        let count = self.cursor.count(7).field("states")?;
        let states = self.list("states", count, Self::named_state)?;
        let directories = if merging {
            Some(self.merge_directories()?)
        } else {
            None
        };
        if let Some(tag @ (0..=14)) = self.cursor.peek().filter(|_| merging) {
            let problem = Problem::MisplacedTag {
                what: "merged operator state",
                tag,
            };
            return Err(self.cursor.error(problem)).field("delegate");
        }
        let delegate = self.required_stream().field("delegate")?;
        Ok(Some(self.build.operator_state(
            states,
            directories,
            delegate,
            &self.origin,
        )))
    }

    fn named_state(&mut self) -> Result<B::NamedState, Error> {
        let name = self.cursor.utf().field("name")?;
        let start = self.cursor.offset();
        let mode = self.cursor.u8().field("mode")?;
        if mode > 2 {
            return Err(out_of_range(
                i64::from(mode),
                "a distribution mode (0 to 2)",
                start,
            ))
            .field("mode");
        }
        let count = self.cursor.count(8).field("offsets")?;
        let offsets = self
            .cursor
            .bytes(count.saturating_mul(8))
            .field("offsets")?;
        Ok(self.build.named_state(name, mode, offsets))
    }

    fn merge_directories(&mut self) -> Result<Delegates<'a>, Error> {
        let task_owned = self.absolute_path().field("taskOwnedDirectory")?;
        let shared = self.absolute_path().field("sharedDirectory")?;
        let empty = self.cursor.bool().field("isEmpty")?;
        self.seen.file_merging = true;
        add(&mut self.counts.directories, 2);
        Ok(Delegates {
            task_owned,
            shared,
            empty,
        })
    }
}
