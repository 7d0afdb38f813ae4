//! A snapshot's dependencies summed up, one entry per file.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Error;
use crate::properties::Properties;
use crate::reference::{Origin, Reference, Scope};
use crate::summary::Summary;
use crate::visitor::{Visitor, visit};

/// All that a snapshot depends on, each file once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// Format version.
    pub version: i32,
    /// Checkpoint id.
    pub checkpoint_id: u64,
    /// Whole files, by path.
    pub files: Vec<FileUse>,
    /// Segments of merged files, in the order of the file.
    pub segments: Vec<SegmentUse>,
    /// Directories that must stay, sorted, each once.
    pub directories: Vec<String>,
    /// Handles whose bytes are in the metadata.
    pub inline_count: u64,
    /// Sum of those bytes.
    pub inline_bytes: u64,
    /// What the file says about its kind.
    pub properties: Option<Properties>,
}

/// A file and how often it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileUse {
    /// Absolute path; relative if the directory of the metadata was not given.
    pub path: String,
    /// Bytes as the handle states them; None if unknown.
    pub size: Option<u64>,
    /// Handles that name it.
    pub refs: u64,
    /// How many of them by relative path.
    pub relative_refs: u64,
    /// It is a changelog file: stored length is `size + 1`, or less if compressed.
    pub changelog: bool,
}

/// A segment of a merged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentUse {
    /// Absolute path of the physical file.
    pub path: String,
    /// Where it starts, in bytes.
    pub offset: u64,
    /// Its length in bytes; None if unknown.
    pub size: Option<u64>,
    /// Scope.
    pub scope: Scope,
    /// Flink's id of the logical file.
    pub logical_id: String,
}

impl Contents {
    /// Reads a `_metadata` file. Relative paths are resolved against `directory`, the one that holds the file.
    pub fn read(bytes: &[u8], directory: Option<&str>) -> Result<Self, Error> {
        let mut collector = Collector {
            directory,
            ..Collector::default()
        };
        let Summary {
            version,
            checkpoint_id,
            properties,
            counts,
            ..
        } = visit(bytes, &mut collector)?;
        let mut directories = collector.directories;
        directories.sort_unstable();
        directories.dedup();
        Ok(Self {
            version,
            checkpoint_id,
            files: collector.files.into_values().collect(),
            segments: collector.segments,
            directories,
            inline_count: counts.inline_count,
            inline_bytes: counts.inline_bytes,
            properties,
        })
    }
}

#[derive(Default)]
struct Collector<'d> {
    directory: Option<&'d str>,
    files: BTreeMap<String, FileUse>,
    segments: Vec<SegmentUse>,
    directories: Vec<String>,
}

impl Visitor for Collector<'_> {
    fn reference(&mut self, reference: Reference<'_>, _: &Origin) {
        let (path, length, relative) = match reference {
            Reference::File { path, length } => (path.into_owned(), length, false),
            Reference::RelativeFile { path, length } => {
                let path = match self.directory {
                    Some(directory) => format!("{}/{path}", directory.trim_end_matches('/')),
                    None => path.into_owned(),
                };
                (path, length, true)
            }
            Reference::Segment {
                path,
                start: offset,
                size,
                scope,
                logical_id,
            } => {
                return self.segments.push(SegmentUse {
                    path: path.into_owned(),
                    offset,
                    size,
                    scope,
                    logical_id: logical_id.into_owned(),
                });
            }
            Reference::Directory { path, owner: _ } => {
                return self.directories.push(path.into_owned());
            }
        };
        let changelog = matches!(length, crate::StoredLength::Changelog(_));
        let file = self.files.entry(path.clone()).or_insert(FileUse {
            path,
            size: None,
            refs: 0,
            relative_refs: 0,
            changelog,
        });
        // If handles disagree, the file must be long enough for each.
        file.size = file.size.max(length.stated());
        file.refs = file.refs.saturating_add(1);
        file.relative_refs = file.relative_refs.saturating_add(u64::from(relative));
    }
}
