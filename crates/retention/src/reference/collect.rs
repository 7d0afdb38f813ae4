use super::{FileName, Reference, ReferenceTable, Required};
use crate::inventory::{Contents, SnapshotKind};
use crate::layout::is_forst_directory;
use crate::location::{Location, LocationError, Origin};
use flink_metadata as flink;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What one `_metadata` says, independent of any table: may be cached as long as the file does not change.
#[derive(Clone, Debug)]
pub struct ParsedSnapshot {
    pub format_version: u32,
    pub checkpoint_id: u64,
    /// None where the format does not say (versions 2 and 3).
    pub kind: Option<SnapshotKind>,
    pub contents: Contents,
    /// State inside the file itself, in bytes.
    pub inline_bytes: u64,
    directories: Vec<Location>,
    files: Box<[ParsedReference]>,
    /// The names that are not spelt like UUIDs of Flink.
    other_names: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct ParsedReference {
    directory: u32,
    name: ParsedName,
    required: Required,
}

#[derive(Clone, Copy, Debug)]
enum ParsedName {
    Uuid([u8; 16]),
    /// The position in `other_names`.
    Other(u32),
}

/// A snapshot that cannot be read: it protects all that it could have named.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CollectError {
    #[error(transparent)]
    Format(#[from] flink::Error),
    #[error("it names a file at a place that cannot be understood: {0}")]
    Location(#[from] LocationError),
}

impl CollectError {
    /// A stable word for metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Format(_) => "format",
            Self::Location(_) => "location",
        }
    }
}

impl CollectError {
    /// Whether the file ends early, and is of a version that is known: nobody will ever be able to read it. (An unknown
    /// version may be a whole file of a newer Flink.)
    #[must_use]
    pub fn is_torn(&self) -> bool {
        match self {
            Self::Format(error) => {
                error.category() == flink::Category::Truncated && error.version().is_some()
            }
            Self::Location(_) => false,
        }
    }
}

impl ParsedSnapshot {
    /// Reads a `_metadata`. Relative handles resolve against `directory`, the one that holds it.
    pub fn read(bytes: &[u8], directory: &Location, origin: &Origin) -> Result<Self, CollectError> {
        let mut collector = Collector {
            origin,
            home: directory,
            directories: vec![directory.clone()],
            by_text: HashMap::new(),
            files: Vec::new(),
            other_names: Vec::new(),
            forst: false,
            problem: None,
        };
        let summary = flink::visit(bytes, &mut collector)?;
        if let Some(problem) = collector.problem {
            return Err(problem.into());
        }
        let Collector {
            origin: _,
            home: _,
            directories,
            by_text: _,
            files,
            other_names,
            forst,
            problem: _,
        } = collector;
        Ok(Self {
            format_version: u32::try_from(summary.version).unwrap_or_default(),
            checkpoint_id: summary.checkpoint_id,
            kind: match summary.kind() {
                flink::SnapshotKind::Checkpoint => Some(SnapshotKind::Checkpoint),
                flink::SnapshotKind::Savepoint(_) => Some(SnapshotKind::Savepoint),
                flink::SnapshotKind::Unknown => None,
            },
            contents: Contents {
                changelog: summary.changelog,
                file_merging: summary.file_merging,
                forst,
            },
            inline_bytes: summary.counts.inline_bytes,
            directories,
            // Not what the list was grown to.
            files: files.as_slice().into(),
            other_names,
        })
    }

    /// Adds every referenced file to a table; the result is sorted, each file once with its largest required length.
    pub fn insert_into(&self, table: &mut ReferenceTable) -> Vec<Reference> {
        let mut directories = vec![None; self.directories.len()];
        let mut references = Vec::with_capacity(self.files.len());
        for &ParsedReference {
            directory,
            name,
            required,
        } in &self.files
        {
            let position = directory as usize;
            let (Some(directory), Some(known)) = (
                self.directories.get(position),
                directories.get_mut(position),
            ) else {
                continue;
            };
            let directory = *known.get_or_insert_with(|| table.directory(directory));
            let file = match name {
                ParsedName::Uuid(uuid) => table.insert_key(directory, &FileName::Uuid(uuid), None),
                ParsedName::Other(position) => {
                    let Some(name) = self.other_names.get(position as usize) else {
                        continue;
                    };
                    table.insert_name(directory, name)
                }
            };
            references.push(Reference { file, required });
        }
        deduplicate(references)
    }

    /// How many references it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The directories of the referenced files, the snapshot's own first.
    #[must_use]
    pub fn directories(&self) -> &[Location] {
        &self.directories
    }
}

/// Sorts references and keeps each file once, with its largest required length.
#[must_use]
pub fn deduplicate(mut references: Vec<Reference>) -> Vec<Reference> {
    references.sort_unstable_by_key(|reference| (reference.file, Reverse(reference.required)));
    references.dedup_by_key(|reference| reference.file);
    references.shrink_to_fit();
    references
}

struct Collector<'o> {
    origin: &'o Origin,
    home: &'o Location,
    directories: Vec<Location>,
    by_text: HashMap<String, u32>,
    files: Vec<ParsedReference>,
    other_names: Vec<Box<str>>,
    forst: bool,
    problem: Option<LocationError>,
}

impl flink::Visitor for Collector<'_> {
    fn reference(&mut self, reference: flink::Reference<'_>, _: &flink::Origin) {
        let required = match &reference {
            flink::Reference::File { length, .. }
            | flink::Reference::RelativeFile { length, .. } => match length {
                flink::StoredLength::Exact(bytes) => Required(*bytes),
                flink::StoredLength::Changelog(_) | flink::StoredLength::Unknown => {
                    Required::PRESENT
                }
            },
            flink::Reference::Segment { start, size, .. } => {
                Required(start.saturating_add(size.unwrap_or_default()))
            }
            // A merge directory keeps itself alive, not the files in it.
            flink::Reference::Directory { .. } => return,
        };
        let relative = matches!(reference, flink::Reference::RelativeFile { .. });
        if let Err(problem) = self.add(reference.path(), relative, required) {
            self.problem.get_or_insert(problem);
        }
    }
}

impl Collector<'_> {
    fn add(&mut self, path: &str, relative: bool, required: Required) -> Result<(), LocationError> {
        let (directory, name) = if relative {
            if path.contains('/') {
                let full = self.home.join(path);
                return self.add(&full.to_string(), false, required);
            }
            (0, path)
        } else {
            let (directory, name) = path.rsplit_once('/').unwrap_or((path, ""));
            (self.directory(directory)?, name)
        };
        let name = self.name(name);
        self.files.push(ParsedReference {
            directory,
            name,
            required,
        });
        Ok(())
    }

    fn name(&mut self, name: &str) -> ParsedName {
        match FileName::of(name) {
            key @ FileName::Uuid(uuid) if key.is_spelt(name) => ParsedName::Uuid(uuid),
            FileName::Uuid(_) | FileName::Other(_) => {
                let position = u32::try_from(self.other_names.len()).unwrap_or(u32::MAX);
                self.other_names.push(name.into());
                ParsedName::Other(position)
            }
        }
    }

    fn directory(&mut self, text: &str) -> Result<u32, LocationError> {
        if let Some(&known) = self.by_text.get(text) {
            return Ok(known);
        }
        let location = Location::parse(if text.is_empty() { "/" } else { text }, self.origin)?;
        self.forst |= location.path().split('/').any(is_forst_directory);
        let id = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
        self.directories.push(location);
        self.by_text.insert(text.to_owned(), id);
        Ok(id)
    }
}
