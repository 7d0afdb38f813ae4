//! Versions, and the layouts that share a version number without telling.

use crate::cursor::Cursor;
use crate::error::{Error, Problem};

pub(crate) const MAGIC: u32 = 0x4960_672d;

/// Format versions that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V2 = 2,
    V3 = 3,
    V4 = 4,
    V5 = 5,
    V6 = 6,
}

impl Version {
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 => 5,
            Self::V6 => 6,
        }
    }
}

/// How changelog tags 8, 9 and 10 are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangelogLayout {
    /// Without sizes, materialization id and handle ids.
    Flink1_14,
    Flink1_15,
}

/// How channel-state handles are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelLayout {
    /// Without the subtask index.
    Flink1_11,
    Flink1_12,
    /// With a type byte, and merged handles.
    Flink2_1,
}

/// Everything that decides how bytes after the header are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) version: Version,
    pub(crate) changelog: ChangelogLayout,
    pub(crate) channels: ChannelLayout,
}

impl Layout {
    /// The newest layout of a version.
    pub(crate) fn of(version: Version) -> Self {
        let channels = if version < Version::V6 {
            ChannelLayout::Flink1_12
        } else {
            ChannelLayout::Flink2_1
        };
        Self {
            version,
            changelog: ChangelogLayout::Flink1_15,
            channels,
        }
    }

    pub(crate) fn flink_1_14_changelog() -> Self {
        Self {
            changelog: ChangelogLayout::Flink1_14,
            ..Self::of(Version::V3)
        }
    }

    pub(crate) fn flink_1_11_channels() -> Self {
        Self {
            channels: ChannelLayout::Flink1_11,
            ..Self::of(Version::V3)
        }
    }
}

/// Reads magic and version, and leaves the cursor at the body.
pub(crate) fn header(cursor: &mut Cursor<'_>) -> Result<Version, Error> {
    let magic = cursor.u32()?;
    if magic != MAGIC {
        return Err(Error::new(Problem::NotMetadata { magic }, 0));
    }
    let offset = cursor.offset();
    match cursor.i32()? {
        2 => Ok(Version::V2),
        3 => Ok(Version::V3),
        4 => Ok(Version::V4),
        5 => Ok(Version::V5),
        6 => Ok(Version::V6),
        version => {
            Err(Error::new(Problem::UnsupportedVersion { version }, offset).with_version(version))
        }
    }
}
