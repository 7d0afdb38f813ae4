//! What goes over the connection. Each call is one gRPC stream: a [`Request`], for a write followed by [`Part`]s, then
//! [`Answer`]s.
//!
//! The types are the definition; there is no `.proto` beside them. Zero is never a meaning, so that what was left out is an
//! error and not a default. Whoever changes anything here raises [`crate::PROTOCOL`].

use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};

/// What the operator sends.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(oneof = "Asked", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")]
    pub(crate) asked: Option<Asked>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Asked {
    #[prost(message, tag = "1")]
    Introduce(Introduce),
    #[prost(message, tag = "2")]
    List(At),
    #[prost(message, tag = "3")]
    Stat(At),
    #[prost(message, tag = "4")]
    Read(Read),
    #[prost(message, tag = "5")]
    ReadRange(ReadRange),
    #[prost(message, tag = "6")]
    Delete(Delete),
    #[prost(message, tag = "7")]
    RemoveDirectory(RemoveDirectory),
    #[prost(message, tag = "8")]
    PutIfAbsent(Write),
    #[prost(message, tag = "9")]
    Replace(Write),
    /// The next bytes of a write.
    #[prost(message, tag = "10")]
    Part(Part),
}

/// The first call on a connection: who acts, so that whoever acted before has no say any more.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Introduce {
    #[prost(message, optional, tag = "1")]
    pub(crate) term: Option<Term>,
}

/// Which holder of which lease acts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Term {
    #[prost(string, tag = "1")]
    pub(crate) lease: String,
    #[prost(int64, tag = "2")]
    pub(crate) number: i64,
}

/// By whose right, and until when by the worker's clock, something may be changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Permit {
    #[prost(message, optional, tag = "1")]
    pub(crate) term: Option<Term>,
    #[prost(uint64, tag = "2")]
    pub(crate) not_after_millis: u64,
}

/// A key of one of the worker's roots, by the position of the root in its [`Introduction`].
#[derive(Clone, PartialEq, Message)]
pub(crate) struct At {
    #[prost(uint32, tag = "1")]
    pub(crate) root: u32,
    #[prost(string, tag = "2")]
    pub(crate) key: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Read {
    #[prost(message, optional, tag = "1")]
    pub(crate) at: Option<At>,
    #[prost(uint64, tag = "2")]
    pub(crate) limit: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadRange {
    #[prost(message, optional, tag = "1")]
    pub(crate) at: Option<At>,
    #[prost(uint64, tag = "2")]
    pub(crate) offset: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) length: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Delete {
    #[prost(message, optional, tag = "1")]
    pub(crate) at: Option<At>,
    #[prost(message, optional, tag = "2")]
    pub(crate) expected: Option<Version>,
    #[prost(message, optional, tag = "3")]
    pub(crate) permit: Option<Permit>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RemoveDirectory {
    #[prost(message, optional, tag = "1")]
    pub(crate) at: Option<At>,
    #[prost(message, optional, tag = "2")]
    pub(crate) permit: Option<Permit>,
}

/// A file of our own, whose `length` bytes follow in parts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Write {
    #[prost(message, optional, tag = "1")]
    pub(crate) at: Option<At>,
    #[prost(uint64, tag = "2")]
    pub(crate) length: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) permit: Option<Permit>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Part {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) bytes: Bytes,
}

/// What the worker sends.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Answer {
    #[prost(oneof = "Told", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub(crate) told: Option<Told>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Told {
    #[prost(message, tag = "1")]
    Introduction(Introduction),
    /// Some entries of a listing; it is complete only with its [`End`].
    #[prost(message, tag = "2")]
    Entries(Entries),
    #[prost(message, tag = "3")]
    End(End),
    #[prost(message, tag = "4")]
    Found(Found),
    /// How many bytes of which version follow in parts.
    #[prost(message, tag = "5")]
    Contents(Contents),
    #[prost(message, tag = "6")]
    Part(Part),
    #[prost(message, tag = "7")]
    Deletion(Deletion),
    #[prost(enumeration = "RemovalOutcome", tag = "8")]
    Removed(i32),
    #[prost(enumeration = "Put", tag = "9")]
    Put(i32),
    /// A file was created or replaced.
    #[prost(message, tag = "10")]
    Replaced(Replaced),
    #[prost(message, tag = "11")]
    Failure(Failure),
}

/// Who the worker is.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Introduction {
    /// What its clock says now: milliseconds since it began, never set back.
    #[prost(uint64, tag = "1")]
    pub(crate) clock_millis: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) roots: Vec<Root>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Root {
    /// What the operator called it when it made the worker.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// Where it is for the worker, for errors.
    #[prost(string, tag = "2")]
    pub(crate) location: String,
    #[prost(bool, tag = "3")]
    pub(crate) deletes_atomically: bool,
    #[prost(bool, tag = "4")]
    pub(crate) real_directories: bool,
    #[prost(uint64, tag = "5")]
    pub(crate) modified_resolution_nanos: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) entries: Vec<Entry>,
}

/// The listing is complete, and this is how many entries it had.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct End {
    #[prost(uint64, tag = "1")]
    pub(crate) entries: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Found {
    /// Without one nothing is there, for certain.
    #[prost(message, optional, tag = "1")]
    pub(crate) entry: Option<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    /// In a listing the last segment of its key; elsewhere nothing, for it is what was asked for.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(enumeration = "Kind", tag = "2")]
    pub(crate) kind: i32,
    #[prost(message, optional, tag = "3")]
    pub(crate) version: Option<Version>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Version {
    #[prost(uint64, tag = "1")]
    pub(crate) size: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) modified: Option<Time>,
    #[prost(string, optional, tag = "3")]
    pub(crate) etag: Option<String>,
}

/// Since 1970, both parts of one sign.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Time {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Contents {
    #[prost(uint64, tag = "1")]
    pub(crate) length: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Deletion {
    #[prost(enumeration = "DeletionOutcome", tag = "1")]
    pub(crate) deleted: i32,
    /// What is there now, if it has changed.
    #[prost(message, optional, tag = "2")]
    pub(crate) found: Option<Entry>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Replaced {}

/// Why not.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Failure {
    #[prost(enumeration = "Cause", tag = "1")]
    pub(crate) cause: i32,
    /// The obstacle, link or root that the error names, or its reason. What was asked the asker knows.
    #[prost(string, tag = "2")]
    pub(crate) detail: String,
    /// The true size of what is too large; the milliseconds within which nothing came.
    #[prost(uint64, tag = "3")]
    pub(crate) amount: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Kind {
    Missing = 0,
    File = 1,
    Directory = 2,
    Symlink = 3,
    Other = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum DeletionOutcome {
    Missing = 0,
    Deleted = 1,
    AlreadyGone = 2,
    Changed = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum RemovalOutcome {
    Missing = 0,
    Removed = 1,
    AlreadyGone = 2,
    NotEmpty = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Put {
    Missing = 0,
    Created = 1,
    Exists = 2,
}

/// The errors of the port, and the worker's own refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Cause {
    Missing = 0,
    NotFound = 1,
    PermissionDenied = 2,
    Unauthenticated = 3,
    NotADirectory = 4,
    IsADirectory = 5,
    NotAFile = 6,
    SymlinkInPath = 7,
    TooLarge = 8,
    ChangedWhileRead = 9,
    IsRoot = 10,
    Unverifiable = 11,
    RootChanged = 12,
    Unsupported = 13,
    Unavailable = 14,
    /// The permit of a change is none, or has run out: nothing was done.
    Refused = 15,
    NoAnswer = 16,
    NotAsked = 17,
    TooLate = 18,
    BeingWritten = 19,
    Reserved = 20,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Another version of these bytes is another [`crate::PROTOCOL`].
    #[test]
    fn the_bytes_are_those_of_version_1() {
        let version = Version {
            size: 7,
            modified: Some(Time {
                seconds: 1,
                nanos: 2,
            }),
            etag: Some("e".to_owned()),
        };
        let delete = Request {
            asked: Some(Asked::Delete(Delete {
                at: Some(At {
                    root: 3,
                    key: "a/b".to_owned(),
                }),
                expected: Some(version.clone()),
                permit: Some(Permit {
                    term: Some(Term {
                        lease: "l".to_owned(),
                        number: 4,
                    }),
                    not_after_millis: 5,
                }),
            })),
        };
        let changed = Answer {
            told: Some(Told::Deletion(Deletion {
                deleted: DeletionOutcome::Changed.into(),
                found: Some(Entry {
                    name: String::new(),
                    kind: Kind::Symlink.into(),
                    version: Some(version),
                }),
            })),
        };
        assert_eq!(crate::PROTOCOL, 1);
        let version = ["0807", "120408011002", "1a0165"].concat();
        assert_eq!(
            hex(&delete),
            format!(
                "3221{}120b{version}1a090a050a016c10041005",
                "0a0708031203612f62"
            )
        );
        assert_eq!(hex(&changed), format!("3a130803120f10031a0b{version}"));
    }

    fn hex(message: &impl Message) -> String {
        let bytes = message.encode_to_vec();
        bytes
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}
