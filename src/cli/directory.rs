//! A directory or file as it is named on the command line: a path of this machine, or the URL of a bucket.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use retention::location::{Location, ObjectStore, Origin, Store};
use storage::Key;

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Directory {
    Local(PathBuf),
    Bucket(InBucket),
}

/// A place in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InBucket {
    pub(super) store: BucketStore,
    pub(super) bucket: String,
    pub(super) key: Key,
    pub(super) location: Location,
}

/// The kinds of object store that are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BucketStore {
    S3,
    Gcs,
}

impl BucketStore {
    pub(super) fn kind(self) -> ObjectStore {
        match self {
            Self::S3 => ObjectStore::S3,
            Self::Gcs => ObjectStore::Gcs,
        }
    }
}

/// A text that names no place that this program reaches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoDirectory {
    #[error("{0}")]
    Invalid(String),
    #[error(
        "{0:?} is in a store that this version does not reach; it reaches s3:// (also s3a://, s3p://, s3n://), gs:// and paths of this machine"
    )]
    OtherStore(String),
    #[error("{0:?}: leave the scheme out, and write the path of this machine")]
    File(String),
    #[error("{0:?} is no text, so it can be a path of this machine only")]
    NoText(OsString),
}

impl Directory {
    /// How the arguments of commands are read.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(Self::parse)
    }

    /// What begins like a URL is one; everything else is a path.
    fn parse(text: OsString) -> Result<Self, NoDirectory> {
        let begins_like_url =
            text.to_string_lossy()
                .split_once("://")
                .is_some_and(|(scheme, _)| {
                    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
                });
        if !begins_like_url {
            return Ok(Self::Local(PathBuf::from(text)));
        }
        let text = text.into_string().map_err(NoDirectory::NoText)?;
        let location = Location::parse(&text, &Origin::default())
            .map_err(|error| NoDirectory::Invalid(error.to_string()))?;
        let place = InBucket::of(&location).map(Self::Bucket);
        place.ok_or_else(|| match location.store() {
            Store::File { .. } => NoDirectory::File(text),
            Store::Object { .. } | Store::Hdfs { .. } | Store::Other { .. } => {
                NoDirectory::OtherStore(text)
            }
        })
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Local(path) => last_part(path),
            Self::Bucket(place) => place.location.name(),
        }
    }
}

/// Of a path of this machine; empty where it ends in no name.
pub(super) fn last_part(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str());
    name.unwrap_or_default()
}

impl InBucket {
    /// None if it is no place in a store that is reached.
    pub(super) fn of(location: &Location) -> Option<Self> {
        let (store, bucket) = match location.store() {
            Store::Object {
                kind: ObjectStore::S3,
                bucket,
            } => (BucketStore::S3, bucket),
            Store::Object {
                kind: ObjectStore::Gcs,
                bucket,
            } => (BucketStore::Gcs, bucket),
            Store::Object {
                kind: ObjectStore::Azure | ObjectStore::Oss,
                bucket: _,
            }
            | Store::File { .. }
            | Store::Hdfs { .. }
            | Store::Other { .. } => return None,
        };
        Some(Self {
            store,
            bucket: bucket.clone(),
            key: Key::parse(location.path().trim_start_matches('/')).ok()?,
            location: location.clone(),
        })
    }

    /// The root of its bucket.
    pub(super) fn whole_bucket(&self) -> Location {
        let mut root = self.location.clone();
        while root.path() != "/" {
            root = root.parent();
        }
        root
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Bucket(place) => place.location.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn parse(text: &str) -> Result<Directory, String> {
        Directory::parse(text.into()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_of_a_bucket_is_one() {
        for text in [
            "s3://b/x/ckp",
            "s3a://b//x/ckp/",
            "S3N://b/x/./ckp",
            "s3p://b/x/y/../ckp",
        ] {
            let Ok(Directory::Bucket(place)) = parse(text) else {
                panic!("{text} is no bucket");
            };
            assert_eq!(place.location.to_string(), "s3://b/x/ckp", "{text}");
            assert_eq!((place.bucket.as_str(), place.key.as_str()), ("b", "x/ckp"));
        }
        let Ok(Directory::Bucket(whole)) = parse("s3://b") else {
            panic!("a bucket is a directory");
        };
        assert!(whole.key.is_root());
        let Ok(Directory::Bucket(place)) = parse("gs://b//x/ckp/") else {
            panic!("Google's is a bucket, too");
        };
        assert_eq!(
            (place.store, place.key.as_str()),
            (BucketStore::Gcs, "x/ckp")
        );
        assert_eq!(place.whole_bucket().to_string(), "gs://b/");
    }

    #[test]
    fn what_is_no_url_is_a_path() {
        for text in ["/data/ckp", "ckp", "./s3://b", "C:x", "s3:/b", "://x"] {
            assert_eq!(parse(text).unwrap(), Directory::Local(text.into()));
        }
    }

    #[test]
    fn what_is_not_reached_is_refused_with_a_sentence() {
        for (text, part) in [
            ("oss://b/x", "does not reach"),
            ("gs:///x", "names no bucket"),
            ("hdfs://nn/x", "does not reach"),
            ("abfss://c@a.dfs.core.windows.net/x", "does not reach"),
            ("https://b/x", "does not reach"),
            ("file:///x", "leave the scheme out"),
            ("s3:///x", "names no bucket"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
