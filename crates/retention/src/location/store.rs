use std::fmt;

/// What must be equal for two equal paths to be the same file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// A path as the Flink pods see it. The same string in two namespaces, or below two mounts, is two places.
    File {
        /// The namespace of the pods; none on the command line.
        namespace: Option<String>,
        /// The mount (its path in the pod) that covers this path, where one is known.
        volume: Option<String>,
    },
    /// A bucket or container of an object store.
    Object { kind: ObjectStore, bucket: String },
    /// A Hadoop file system; the authority is empty where the cluster's default applies.
    Hdfs { authority: String },
    /// A scheme that this version does not know: it can be referred to, never deleted from.
    Other { scheme: String, authority: String },
}

/// The kinds of object store that Flink's plugins serve; aliases of one kind are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectStore {
    /// `s3`, `s3a`, `s3p`: three plugins, one bucket. (`s3n` is how Hadoop once spelt it; Flink knows it no more.)
    S3,
    /// `gs`.
    Gcs,
    /// `wasb`, `wasbs`, `abfs`, `abfss`: one container by two protocols.
    Azure,
    /// `oss`.
    Oss,
}

impl Store {
    pub(super) fn of(scheme: &str, authority: &str, path: &str, origin: &super::Origin) -> Self {
        match scheme {
            "file" => Self::File {
                namespace: origin.namespace.clone(),
                volume: origin.volume_of(path),
            },
            "s3" | "s3a" | "s3p" | "s3n" => Self::object(ObjectStore::S3, authority),
            "gs" => Self::object(ObjectStore::Gcs, authority),
            "wasb" | "wasbs" | "abfs" | "abfss" => {
                Self::object(ObjectStore::Azure, &one_endpoint(authority))
            }
            "oss" => Self::object(ObjectStore::Oss, authority),
            // Not `viewfs`: what is mounted where in one only its clients know, and its name is that of no file system.
            "hdfs" => Self::Hdfs {
                authority: authority.to_owned(),
            },
            other => Self::Other {
                scheme: other.to_owned(),
                authority: authority.to_owned(),
            },
        }
    }

    /// Whether two stores may be one place under two names. Only for protecting: aliases, other authorities, an
    /// unknown namespace and other mounts of one namespace count as the same.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File {
                    namespace: a,
                    volume: _,
                },
                Self::File {
                    namespace: b,
                    volume: _,
                },
            ) => a == b || a.is_none() || b.is_none(),
            (
                Self::Object {
                    kind: ObjectStore::Azure,
                    bucket: a,
                },
                Self::Object {
                    kind: ObjectStore::Azure,
                    bucket: b,
                },
            ) => container(a) == container(b),
            (
                Self::Object { kind: a, bucket },
                Self::Object {
                    kind: b,
                    bucket: other,
                },
            ) => a == b && bucket == other,
            (Self::Hdfs { .. } | Self::Other { .. }, Self::Hdfs { .. } | Self::Other { .. }) => {
                true
            }
            (
                Self::File { .. } | Self::Object { .. } | Self::Hdfs { .. } | Self::Other { .. },
                _,
            ) => false,
        }
    }

    fn object(kind: ObjectStore, bucket: &str) -> Self {
        Self::Object {
            kind,
            bucket: bucket.to_owned(),
        }
    }

    pub(super) fn write_prefix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { .. } => f.write_str("file:"),
            Self::Object { kind, bucket } => write!(f, "{}://{bucket}", kind.scheme()),
            Self::Hdfs { authority } if authority.is_empty() => f.write_str("hdfs:"),
            Self::Hdfs { authority } => write!(f, "hdfs://{authority}"),
            Self::Other { scheme, authority } => write!(f, "{scheme}://{authority}"),
        }
    }
}

/// An account has two endpoints, which lead to the same containers: `container@account.blob…` is `container@account.dfs…`.
/// Hosts are the same in any case, and accounts and containers have no capitals.
fn one_endpoint(authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    match authority.split_once('@') {
        Some((container, host)) => format!("{container}@{}", host.replacen(".blob.", ".dfs.", 1)),
        None => authority,
    }
}

/// `container@account.blob…` and `container@account.dfs…` may be one container.
fn container(bucket: &str) -> &str {
    bucket
        .split_once('@')
        .map_or(bucket, |(container, _)| container)
}

impl ObjectStore {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "abfss",
            Self::Oss => "oss",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::location::{Location, Origin};

    #[test]
    fn a_view_of_file_systems_is_none_of_them_and_may_be_any() {
        let at = |text: &str| Location::parse(text, &Origin::default()).unwrap();
        let (view, files) = (at("viewfs://ns/x"), at("hdfs://ns/x"));
        assert_ne!(view, files);
        assert_eq!(view.relative_to(&files.parent()), None);
        assert_eq!(files.relative_to(&view.parent()), None);
        assert_eq!(view.to_string(), "viewfs://ns/x");
        for (one, other) in [(&view, &files), (&files, &view)] {
            assert!(one.store().may_be(other.store()));
            assert!(one.may_be_below(other));
        }
    }
}
