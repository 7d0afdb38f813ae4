//! A directory or file as it is named on the command line: a path of this machine, or the URL of a bucket or of HDFS.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use retention::location::{Location, ObjectStore, Origin, Store};
use storage::{HdfsAuthority, Key};

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Directory {
    Local(PathBuf),
    Bucket(InBucket),
    Hdfs(InHdfs),
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
    Azure,
}

impl BucketStore {
    pub(super) fn kind(self) -> ObjectStore {
        match self {
            Self::S3 => ObjectStore::S3,
            Self::Gcs => ObjectStore::Gcs,
            Self::Azure => ObjectStore::Azure,
        }
    }
}

/// A place in a Hadoop file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InHdfs {
    pub(super) authority: HdfsAuthority,
    pub(super) key: Key,
    pub(super) location: Location,
    /// Whether what is deleted in it goes to the trash.
    pub(super) trash: bool,
}

/// A text that names no place that this program reaches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoDirectory {
    #[error("{0}")]
    Invalid(String),
    #[error(
        "{0:?} is in a store that this version does not reach; it reaches s3:// (also s3a://, s3p://, s3n://), gs://, abfss:// (also abfs://, wasbs://, wasb://), hdfs:// and paths of this machine"
    )]
    OtherStore(String),
    #[error(
        "{0:?} names no NameNode; write hdfs://<host:port or nameservice>/<path>, as the paths in Flink's snapshots begin"
    )]
    NoNameNode(String),
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
        if !begins_like_url(&text.to_string_lossy()) {
            return Ok(Self::Local(PathBuf::from(text)));
        }
        let text = text.into_string().map_err(NoDirectory::NoText)?;
        let location = Location::parse(&text, &Origin::default())
            .map_err(|error| NoDirectory::Invalid(error.to_string()))?;
        Self::elsewhere(&location).ok_or_else(|| match location.store() {
            Store::File { .. } => NoDirectory::File(text),
            Store::Hdfs { .. } => NoDirectory::NoNameNode(text),
            Store::Object { .. } | Store::Other { .. } => NoDirectory::OtherStore(text),
        })
    }

    /// None if it is a path, or in a store that is not reached.
    pub(super) fn elsewhere(location: &Location) -> Option<Self> {
        let bucket = InBucket::of(location).map(Self::Bucket);
        bucket.or_else(|| InHdfs::of(location).map(Self::Hdfs))
    }

    /// The same place, in which what is deleted goes to the trash. None if it has none.
    pub(super) fn with_trash(self) -> Option<Self> {
        match self {
            Self::Hdfs(place) => Some(Self::Hdfs(InHdfs {
                trash: true,
                ..place
            })),
            Self::Local(_) | Self::Bucket(_) => None,
        }
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Local(path) => last_part(path),
            Self::Bucket(place) => place.location.name(),
            Self::Hdfs(place) => place.location.name(),
        }
    }
}

/// `hdfs:/x` is none of this machine either, but a path in whatever file system is Hadoop's default.
fn begins_like_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_of_hadoop = ["hdfs", "viewfs"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name));
    is_scheme && (rest.starts_with("//") || is_of_hadoop)
}

/// The root of the paths of its store.
pub(super) fn root_of(location: &Location) -> Location {
    let mut root = location.clone();
    while root.path() != "/" {
        root = root.parent();
    }
    root
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
                kind: ObjectStore::Azure,
                bucket,
            } => (BucketStore::Azure, bucket),
            Store::Object {
                kind: ObjectStore::Oss,
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
}

impl InHdfs {
    /// None if it is no place in HDFS, or if it is not said of which `NameNode` or nameservice.
    fn of(location: &Location) -> Option<Self> {
        match location.store() {
            Store::Hdfs { authority } => Some(Self {
                authority: authority.parse().ok()?,
                key: Key::parse(location.path().trim_start_matches('/')).ok()?,
                location: location.clone(),
                trash: false,
            }),
            Store::File { .. } | Store::Object { .. } | Store::Other { .. } => None,
        }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Bucket(place) => place.location.fmt(f),
            Self::Hdfs(place) => place.location.fmt(f),
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
        assert_eq!(root_of(&place.location).to_string(), "gs://b/");
        let Ok(Directory::Bucket(place)) = parse("abfss://c@a.dfs.core.windows.net/x//ckp/") else {
            panic!("a container is a bucket, too");
        };
        assert_eq!(
            (place.store, place.bucket.as_str(), place.key.as_str()),
            (BucketStore::Azure, "c@a.dfs.core.windows.net", "x/ckp")
        );
    }

    #[test]
    fn a_name_node_or_a_nameservice_is_named_as_it_is() {
        for (text, expected) in [
            ("hdfs://nn:8020/x/ckp", "nn:8020"),
            ("HDFS://nn:8020//x/./ckp/", "nn:8020"),
            ("hdfs://NameService1/x/ckp", "NameService1"),
        ] {
            let Ok(Directory::Hdfs(place)) = parse(text) else {
                panic!("{text} is not in HDFS");
            };
            assert_eq!(place.authority.to_string(), expected);
            assert_eq!(place.key.as_str(), "x/ckp");
            assert_eq!(
                place.location.to_string(),
                format!("hdfs://{expected}/x/ckp")
            );
            assert!(Directory::Hdfs(place).with_trash().is_some());
        }
        assert_eq!(parse("s3://b/x").unwrap().with_trash(), None);
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
            ("hdfs:///x", "names no NameNode"),
            ("hdfs:/x", "names no NameNode"),
            ("hdfs://flink@ns/x", "names no NameNode"),
            ("hdfs://ns?/x", "names no NameNode"),
            ("viewfs://cluster/x", "does not reach"),
            ("viewfs:/x", "does not reach"),
            ("abfss:///x", "names no bucket"),
            ("https://b/x", "does not reach"),
            ("file:///x", "leave the scheme out"),
            ("s3:///x", "names no bucket"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
