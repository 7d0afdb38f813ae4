//! What can be wrong with a file, where, and in which stable category.

use std::fmt;

/// Why bytes could not be read as what they claim to be: the problem, its byte offset and the field around it.
///
/// Whoever deletes files must take any such error as "this snapshot may reference everything".
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    problem: Problem,
    version: Option<i32>,
    offset: usize,
    /// Innermost first, as the error travels outwards.
    field: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(&'static str),
    Element(&'static str, usize),
}

/// What exactly is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file does not start with Flink's magic number.
    #[error("not a Flink _metadata file (it starts with {magic:#010x}, not 0x4960672d)")]
    NotMetadata {
        /// The first four bytes.
        magic: u32,
    },
    /// A format version outside 2 to 6.
    #[error("unsupported metadata version {version}, {}", version_hint(*version))]
    UnsupportedVersion {
        /// The version that the header names.
        version: i32,
    },
    /// A feature of a known version that Flink itself no longer reads.
    #[error("{what} is no longer supported by Flink")]
    Obsolete {
        /// The feature.
        what: &'static str,
    },
    /// The bytes end early: a torn or still growing file.
    #[error("file ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes that the field needs.
        needed: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// Bytes follow where the file should end.
    #[error("{count} unexpected bytes after the end")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A tag that no released Flink writes at this place. Handles carry no length, so nothing after it can be found.
    #[error("unknown {what} tag {tag}")]
    UnknownTag {
        /// Which of the tag tables was consulted.
        what: &'static str,
        /// The tag byte.
        tag: u8,
    },
    /// A known tag at a place where it is not allowed.
    #[error("{what} may not have tag {tag}")]
    MisplacedTag {
        /// The place.
        what: &'static str,
        /// The tag byte.
        tag: u8,
    },
    /// A number outside what the format allows.
    #[error("{value} is not {expected}")]
    OutOfRange {
        /// The number that was read.
        value: i64,
        /// What would have been fine.
        expected: &'static str,
    },
    /// The same subtask index occurs twice in one operator.
    #[error("subtask {index} occurs twice")]
    DuplicateSubtask {
        /// Its index.
        index: u32,
    },
    /// Handles are nested deeper than any Flink nests them.
    #[error("handles are nested more than {limit} deep")]
    TooDeep {
        /// The limit that was passed.
        limit: usize,
    },
    /// Text that is not Java's modified UTF-8.
    #[error("text is not modified UTF-8")]
    MalformedText,
    /// A path that cannot be told as text, or that a relative handle may not have.
    #[error("path cannot be used: {reason}")]
    UnusablePath {
        /// Why not.
        reason: &'static str,
    },
    /// A version 3 file that reads to its end in two of that version's layouts, with different meaning.
    #[error("file can be read in two layouts of version 3")]
    AmbiguousLayout,
    /// Java-serialized data that is broken, or of a shape that no released Flink writes.
    #[error("Java-serialized data: {reason}")]
    JavaStream {
        /// What was found.
        reason: &'static str,
    },
    /// An object of a Java class that may name files in a way that we do not know.
    #[error("object of unknown class {class} may name files")]
    UnknownClass {
        /// Full Java class name.
        class: String,
    },
    /// The value of a `ConfigMap` entry is not Base64.
    #[error("value is not Base64")]
    NotBase64,
}

/// Stable classes of errors, for metrics, reports and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Some other file.
    NotMetadata,
    /// Too old or too new.
    UnsupportedVersion,
    /// Torn: the bytes end early.
    Truncated,
    /// A tag or class that is not known.
    Unknown,
    /// Damaged.
    Corrupt,
    /// Paths that cannot be protected because they cannot be told.
    UnusablePath,
    /// Reads in more than one way.
    Ambiguous,
}

impl Category {
    /// The name, as in JSON: stable, for metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotMetadata => "not-metadata",
            Self::UnsupportedVersion => "unsupported-version",
            Self::Truncated => "truncated",
            Self::Unknown => "unknown",
            Self::Corrupt => "corrupt",
            Self::UnusablePath => "unusable-path",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Error {
    pub(crate) fn new(problem: Problem, offset: usize) -> Self {
        Self(Box::new(Inner {
            problem,
            version: None,
            offset,
            field: Vec::new(),
        }))
    }

    pub(crate) fn with_version(mut self, version: i32) -> Self {
        self.0.version = Some(version);
        self
    }

    fn within(mut self, segment: Segment) -> Self {
        self.0.field.push(segment);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The metadata version that the header names, if it could be read. None for HA data.
    #[must_use]
    pub fn version(&self) -> Option<i32> {
        self.0.version
    }

    /// Offset in bytes from the start of the input.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The field that could not be read, such as `operators[3].subtasks[0].managedKeyedState.sharedState[2]`.
    #[must_use]
    pub fn field(&self) -> String {
        let mut text = String::new();
        for segment in self.0.field.iter().rev() {
            if !text.is_empty() {
                text.push('.');
            }
            match segment {
                Segment::Name(name) => text.push_str(name),
                Segment::Element(name, index) => {
                    text.push_str(name);
                    text.push('[');
                    text.push_str(&index.to_string());
                    text.push(']');
                }
            }
        }
        text
    }

    /// The stable class of the problem.
    #[must_use]
    pub fn category(&self) -> Category {
        match &self.0.problem {
            Problem::NotMetadata { .. } => Category::NotMetadata,
            Problem::UnsupportedVersion { .. } | Problem::Obsolete { .. } => {
                Category::UnsupportedVersion
            }
            Problem::Truncated { .. } => Category::Truncated,
            Problem::UnknownTag { .. } | Problem::UnknownClass { .. } => Category::Unknown,
            Problem::UnusablePath { .. } => Category::UnusablePath,
            Problem::AmbiguousLayout => Category::Ambiguous,
            Problem::TrailingBytes { .. }
            | Problem::MisplacedTag { .. }
            | Problem::OutOfRange { .. }
            | Problem::DuplicateSubtask { .. }
            | Problem::TooDeep { .. }
            | Problem::MalformedText
            | Problem::JavaStream { .. }
            | Problem::NotBase64 => Category::Corrupt,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {}", self.0.problem, self.0.offset)?;
        if !self.0.field.is_empty() {
            write!(f, ", field {}", self.field())?;
        }
        if let Some(version) = self.0.version {
            write!(f, ", metadata version {version}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}

fn version_hint(version: i32) -> &'static str {
    match version {
        0 | 1 => "written by Flink 1.2 or older; Flink itself reads 2 to 6",
        7.. => "newer than this program, which reads 2 to 6; update it",
        _ => "this program reads 2 to 6",
    }
}

/// Adds where in the file an error happened while it travels outwards; free while there is none.
pub(crate) trait Within<T> {
    fn field(self, name: &'static str) -> Result<T, Error>;
    fn element(self, name: &'static str, index: usize) -> Result<T, Error>;
}

impl<T> Within<T> for Result<T, Error> {
    fn field(self, name: &'static str) -> Self {
        self.map_err(|error| error.within(Segment::Name(name)))
    }

    fn element(self, name: &'static str, index: usize) -> Self {
        self.map_err(|error| error.within(Segment::Element(name, index)))
    }
}
