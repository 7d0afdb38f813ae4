//! Keyed-state handles.

use super::{Build, IncrementalFiles, Keyed, Walk, add};
use crate::cursor::out_of_range;
use crate::error::{Error, Problem, Within};
use crate::layout::ChangelogLayout;
use crate::modified_utf8::Utf;
use crate::reference::{KeyedPart, Slot};

/// First and second form of a handle that was laid out anew in the course of time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    First,
    Second,
}

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    /// Any keyed handle; None for none.
    pub(super) fn keyed(&mut self) -> Result<Option<B::Keyed>, Error> {
        let start = self.cursor.offset();
        let tag = self.cursor.u8()?;
        let keyed = self.nested(|walk| {
            Ok(Some(match tag {
                0 => return Ok(None),
                3 => walk.key_group_state(false, Form::First)?,
                7 => walk.key_group_state(true, Form::First)?,
                12 => walk.key_group_state(false, Form::Second)?,
                5 => walk.incremental(Form::First)?,
                11 => walk.incremental(Form::Second)?,
                8 => walk.changelog(Form::First)?,
                14 => walk.changelog(Form::Second)?,
                9 => walk.changelog_in_memory()?,
                10 => walk.changelog_in_files(Form::First)?,
                13 => walk.changelog_in_files(Form::Second)?,
                tag => {
                    return Err(Error::new(
                        Problem::UnknownTag {
                            what: "keyed state",
                            tag,
                        },
                        start,
                    ));
                }
            }))
        })?;
        Ok(keyed.map(|keyed| self.build.keyed(keyed)))
    }

    fn key_group_state(
        &mut self,
        canonical_savepoint: bool,
        form: Form,
    ) -> Result<Keyed<'a, B>, Error> {
        let (key_groups, offsets) = self.key_groups_with_offsets()?;
        self.part(KeyedPart::KeyGroups);
        let delegate = self.required_stream().field("delegate")?;
        let handle_id = self.handle_id(form == Form::Second)?;
        Ok(Keyed::KeyGroups {
            canonical_savepoint,
            key_groups,
            offsets,
            delegate,
            handle_id,
        })
    }

    fn incremental(&mut self, form: Form) -> Result<Keyed<'a, B>, Error> {
        let checkpoint_id = self.cursor.i64().field("checkpointId")?;
        let backend = self.cursor.utf().field("backendIdentifier")?;
        let key_groups = self.key_groups()?;
        let checkpointed_size = self
            .long_if(form == Form::Second)
            .field("checkpointedSize")?;
        self.part(KeyedPart::IncrementalMeta);
        let meta = self.required_stream().field("metaState")?;
        self.part(KeyedPart::IncrementalShared);
        let shared = self.named_streams("sharedState")?;
        self.part(KeyedPart::IncrementalPrivate);
        let private = self.named_streams("privateState")?;
        let handle_id = self.handle_id(form == Form::Second)?;
        let files = IncrementalFiles {
            meta,
            shared,
            private,
        };
        Ok(Keyed::Incremental {
            checkpoint_id,
            backend,
            key_groups,
            checkpointed_size,
            files,
            handle_id,
        })
    }

    fn named_streams(&mut self, field: &'static str) -> Result<Vec<B::NamedStream>, Error> {
        let count = self.cursor.count(3).field(field)?;
        self.list(field, count, |walk| {
            let name = walk.cursor.utf().field("localPath")?;
            let stream = walk.required_stream()?;
            Ok(walk.build.named_stream(name, stream))
        })
    }

    fn changelog(&mut self, form: Form) -> Result<Keyed<'a, B>, Error> {
        let since_1_15 = self.first_changelog_form(form);
        let key_groups = self.key_groups()?;
        let checkpointed_size = self.long_if(since_1_15).field("checkpointedSize")?;
        let count = self.cursor.count(1).field("materialized")?;
        let outer = std::mem::replace(&mut self.origin.materialized, true);
        let materialized = self.list("materialized", count, Self::keyed);
        self.origin.materialized = outer;
        let materialized = materialized?;
        let count = self.cursor.count(1).field("nonMaterialized")?;
        let non_materialized = self.list("nonMaterialized", count, Self::changelog_increment)?;
        let materialization_id = self.long_if(since_1_15).field("materializationId")?;
        let checkpoint_id = self.long_if(form == Form::Second).field("checkpointId")?;
        let handle_id = self.handle_id(since_1_15)?;
        Ok(Keyed::Changelog {
            key_groups,
            checkpointed_size,
            materialized,
            non_materialized,
            materialization_id,
            checkpoint_id,
            handle_id,
        })
    }

    /// Flink accepts nothing but the three kinds of increments here.
    fn changelog_increment(&mut self) -> Result<B::Keyed, Error> {
        let start = self.cursor.offset();
        let misplaced = |tag| {
            Error::new(
                Problem::MisplacedTag {
                    what: "changelog increment",
                    tag,
                },
                start,
            )
        };
        if let Some(tag @ (0..=8 | 11 | 12 | 14)) = self.cursor.peek() {
            return Err(misplaced(tag));
        }
        self.keyed()?.ok_or_else(|| misplaced(0))
    }

    fn changelog_in_memory(&mut self) -> Result<Keyed<'a, B>, Error> {
        let since_1_15 = self.first_changelog_form(Form::First);
        let key_groups = self.key_groups()?;
        let from = self.cursor.i64().field("from")?;
        let to = self.cursor.i64().field("to")?;
        let changes = self.cursor.count(8).field("changes")?;
        let mut bytes = 0;
        self.list("changes", changes, |walk| {
            let start = walk.cursor.offset();
            // -1 marks a change of metadata.
            let key_group = walk.cursor.i32().field("keyGroup")?;
            if !(-1..32_768).contains(&key_group) {
                return Err(out_of_range(
                    i64::from(key_group),
                    "a key group, or -1",
                    start,
                ))
                .field("keyGroup");
            }
            let change = walk.cursor.blob().field("change")?;
            add(&mut bytes, change.len());
            Ok(())
        })?;
        let handle_id = self.handle_id(since_1_15)?;
        add(&mut self.counts.changelog_memory_handles, 1);
        Ok(Keyed::ChangelogInMemory {
            key_groups,
            from,
            to,
            changes,
            bytes,
            handle_id,
        })
    }

    fn changelog_in_files(&mut self, form: Form) -> Result<Keyed<'a, B>, Error> {
        let since_1_15 = self.first_changelog_form(form);
        let key_groups = self.key_groups()?;
        self.part(KeyedPart::Changelog);
        let count = self.cursor.count(9).field("handles")?;
        let handles = self.list("handles", count, |walk| {
            let offset = walk.cursor.i64().field("offset")?;
            let stream = walk.required_stream()?;
            Ok(walk.build.offset_stream(offset, stream))
        })?;
        let size = self.cursor.i64().field("size")?;
        let checkpointed_size = self.long_if(since_1_15).field("checkpointedSize")?;
        let handle_id = self.handle_id(since_1_15)?;
        let storage = if form == Form::Second {
            Some(self.cursor.utf().field("storageIdentifier")?)
        } else {
            None
        };
        add(&mut self.counts.changelog_stream_handles, 1);
        Ok(Keyed::ChangelogInFiles {
            key_groups,
            handles,
            size,
            checkpointed_size,
            handle_id,
            storage,
        })
    }

    /// Whether a changelog handle has what Flink 1.15 added; the first form changed then without a new tag.
    fn first_changelog_form(&mut self, form: Form) -> bool {
        self.seen.changelog = true;
        match form {
            Form::Second => true,
            Form::First => {
                self.seen.first_changelog_form = true;
                self.layout.changelog == ChangelogLayout::Flink1_15
            }
        }
    }

    fn part(&mut self, part: KeyedPart) {
        self.origin.slot = match self.origin.slot {
            Slot::RawKeyedState(_) => Slot::RawKeyedState(part),
            _ => Slot::KeyedState(part),
        };
    }

    fn long_if(&mut self, present: bool) -> Result<Option<i64>, Error> {
        if present {
            self.cursor.i64().map(Some)
        } else {
            Ok(None)
        }
    }

    fn handle_id(&mut self, present: bool) -> Result<Option<Utf<'a>>, Error> {
        if present {
            self.cursor.utf().map(Some).field("stateHandleId")
        } else {
            Ok(None)
        }
    }
}
