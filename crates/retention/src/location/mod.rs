//! Where a file is: a store and a path in it, never a bare string.

mod parse;
mod store;

pub use parse::{LocationError, Origin};
pub use store::{ObjectStore, Store};

use std::fmt;

/// A store and a normalised absolute path in it.
///
/// Two locations are equal only if they are surely the same place. The reverse does not hold (aliases of a file
/// system may differ as text), so equality is used to find and to delete, never to conclude that nobody needs a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    store: Store,
    path: String,
}

impl Location {
    /// Reads a path as Flink writes it: `s3://bucket/key`, `file:/data`, `hdfs://ns/x`, or without a scheme.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, LocationError> {
        parse::parse(text, origin)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The path within the store, beginning with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last segment of the path; empty for the root of the store.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The location of `relative` (one or more segments) below this one.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        let mut path = String::with_capacity(self.path.len() + relative.len() + 1);
        path.push_str(self.path.trim_end_matches('/'));
        parse::append(&mut path, relative);
        if path.is_empty() {
            path.push('/');
        }
        let store = self.store.clone();
        Self { store, path }
    }

    /// The directory that holds this location; the root is its own parent.
    #[must_use]
    pub fn parent(&self) -> Self {
        let path = match self.path.rsplit_once('/') {
            None | Some(("", _)) => "/",
            Some((parent, _)) => parent,
        };
        Self {
            store: self.store.clone(),
            path: path.to_owned(),
        }
    }

    /// The path relative to `base`, if this location is `base` itself (empty) or below it.
    #[must_use]
    pub fn relative_to(&self, base: &Self) -> Option<&str> {
        if self.store != base.store {
            return None;
        }
        let rest = self.path.strip_prefix(base.path.trim_end_matches('/'))?;
        match rest.strip_prefix('/') {
            Some(relative) => Some(relative),
            None => rest.is_empty().then_some(""),
        }
    }

    /// Whether this location may be `base` itself or below it, under any name that either may have. Only for
    /// protecting; [`Self::relative_to`] is for finding and deleting.
    #[must_use]
    pub fn may_be_below(&self, base: &Self) -> bool {
        if !self.store.may_be(&base.store) {
            return false;
        }
        let (path, base) = (self.path.to_lowercase(), base.path.to_lowercase());
        path.strip_prefix(base.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The spelling that Flink uses in its own answers: `file:/a`, `s3://bucket/a`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.write_prefix(f)?;
        f.write_str(&self.path)
    }
}

impl serde::Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
