use super::{Location, Store};

/// What a path string leaves out: it means a place only together with the cluster that wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The Kubernetes namespace whose pods wrote the string; none on the command line.
    pub namespace: Option<String>,
    /// `fs.default-scheme` of the cluster, for strings without a scheme; none means local files.
    pub default_scheme: Option<String>,
    /// The mounts of the pods (paths as the pods see them) that are known to be volumes of their own.
    pub volumes: Vec<String>,
}

impl Origin {
    pub(super) fn volume_of(&self, path: &str) -> Option<String> {
        self.volumes
            .iter()
            .filter(|mount| {
                let mount = mount.trim_end_matches('/');
                path.strip_prefix(mount)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|mount| mount.len())
            .cloned()
    }
}

/// A string that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error("an empty path; give an absolute path or a URI such as s3://bucket/flink/checkpoints")]
    Empty,
    #[error("{text:?} is not absolute; begin it with / or with a scheme such as file:/ or s3://")]
    Relative { text: String },
    #[error("{text:?} has a control character, which no path that Flink writes has")]
    ControlCharacter { text: String },
    #[error("{text:?} names no bucket; write {scheme}://<bucket>/<path>")]
    NoBucket { text: String, scheme: String },
    #[error("{text:?} names a host; write file:/<path> with one or three slashes")]
    FileWithHost { text: String },
}

pub(super) fn parse(text: &str, origin: &Origin) -> Result<Location, LocationError> {
    if text.is_empty() {
        return Err(LocationError::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(LocationError::ControlCharacter {
            text: text.to_owned(),
        });
    }
    match split_scheme(text) {
        Some((scheme, rest)) => with_scheme(text, &scheme, rest, origin),
        None if text.starts_with('/') => {
            match origin.default_scheme.as_deref().and_then(split_scheme) {
                Some((scheme, rest)) => {
                    let (authority, _) = split_authority(rest);
                    locate(text, &scheme, authority, text, origin)
                }
                None => locate(text, "file", "", text, origin),
            }
        }
        None => Err(LocationError::Relative {
            text: text.to_owned(),
        }),
    }
}

fn with_scheme(
    text: &str,
    scheme: &str,
    rest: &str,
    origin: &Origin,
) -> Result<Location, LocationError> {
    let (authority, path) = split_authority(rest);
    if !path.is_empty() && !path.starts_with('/') {
        return Err(LocationError::Relative {
            text: text.to_owned(),
        });
    }
    locate(text, scheme, authority, path, origin)
}

fn locate(
    text: &str,
    scheme: &str,
    authority: &str,
    path: &str,
    origin: &Origin,
) -> Result<Location, LocationError> {
    let path = normalise(path);
    let store = Store::of(scheme, authority, &path, origin);
    match &store {
        Store::File { .. } if !authority.is_empty() => Err(LocationError::FileWithHost {
            text: text.to_owned(),
        }),
        Store::Object { bucket, .. } if bucket.is_empty() => Err(LocationError::NoBucket {
            text: text.to_owned(),
            scheme: scheme.to_owned(),
        }),
        Store::File { .. } | Store::Object { .. } | Store::Hdfs { .. } | Store::Other { .. } => {
            Ok(Location { store, path })
        }
    }
}

/// `scheme:rest` with a lower-case scheme; nothing for a path that merely has a colon in it.
fn split_scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    well_formed.then(|| (scheme.to_ascii_lowercase(), rest))
}

fn split_authority(rest: &str) -> (&str, &str) {
    match rest.strip_prefix("//") {
        Some(after) => match after.find('/') {
            Some(slash) => after.split_at(slash),
            None => (after, ""),
        },
        None => ("", rest),
    }
}

/// Collapses slashes, resolves `.` and `..`, drops a trailing slash; decodes nothing. As Flink's `Path` does.
pub(super) fn normalise(path: &str) -> String {
    let mut normalised = String::with_capacity(path.len() + 1);
    append(&mut normalised, path);
    if normalised.is_empty() {
        normalised.push('/');
    }
    normalised
}

/// Adds further segments to a normalised path; the root is the empty one here.
pub(super) fn append(normalised: &mut String, path: &str) {
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => normalised.truncate(normalised.rfind('/').unwrap_or(0)),
            name => {
                normalised.push('/');
                normalised.push_str(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("file:///a/b", "file:/a/b")]
    #[case("file:/a//b/", "file:/a/b")]
    #[case("/a/./b/../c", "file:/a/c")]
    #[case("s3a://b//k/x", "s3://b/k/x")]
    #[case("s3p://b/k", "s3://b/k")]
    #[case("s3n://b/k", "s3://b/k")]
    #[case("hdfs:///x", "hdfs:/x")]
    #[case("HDFS://nn:8020/x", "hdfs://nn:8020/x")]
    #[case("/a b%20é+/x", "file:/a b%20é+/x")]
    #[case("s3://bucket", "s3://bucket/")]
    #[case(
        "wasb://c@a.blob.core.windows.net/k",
        "abfss://c@a.dfs.core.windows.net/k"
    )]
    #[case(
        "wasbs://c@A.blob.core.windows.net//k/",
        "abfss://c@a.dfs.core.windows.net/k"
    )]
    #[case(
        "abfs://c@a.dfs.core.windows.net/k",
        "abfss://c@a.dfs.core.windows.net/k"
    )]
    #[case("abfss://c/.blob./k", "abfss://c/.blob./k")]
    fn spellings_of_one_place_are_one(#[case] text: &str, #[case] expected: &str) {
        let location = Location::parse(text, &Origin::default()).unwrap();
        assert_eq!(location.to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("relative/path")]
    #[case("file://host/a")]
    #[case("s3:///k")]
    #[case("/a\0b")]
    fn what_names_no_place_is_an_error(#[case] text: &str) {
        assert!(Location::parse(text, &Origin::default()).is_err());
    }

    #[test]
    fn the_same_path_in_two_namespaces_is_two_places() {
        let origin = |namespace: &str| Origin {
            namespace: Some(namespace.to_owned()),
            ..Origin::default()
        };
        let a = Location::parse("/data/x", &origin("a")).unwrap();
        let b = Location::parse("/data/x", &origin("b")).unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn a_base_covers_itself_and_what_is_below_but_no_neighbour() {
        let base = Location::parse("/data/ckp", &Origin::default()).unwrap();
        assert_eq!(base.join("a/b").relative_to(&base), Some("a/b"));
        assert_eq!(base.relative_to(&base), Some(""));
        let neighbour = Location::parse("/data/ckp-old/a", &Origin::default()).unwrap();
        assert_eq!(neighbour.relative_to(&base), None);
    }
}
