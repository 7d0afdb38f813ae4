use std::fmt;
use std::str::FromStr;

/// A path below the root of a store: segments separated by `/`.
///
/// No segment is empty, `.` or `..`, and none holds a NUL. Nothing is decoded or normalised: `%20`, `+` and a blank
/// are three different names, and so are two Unicode spellings of `é`. The root is the key without segments.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// The root of the store.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::from(""))
    }

    /// Reads `a/b/c`; the empty string is the root.
    pub fn parse(path: &str) -> Result<Self, InvalidKey> {
        if !path.is_empty() {
            path.split('/')
                .try_for_each(check_segment)
                .map_err(|problem| InvalidKey::new(path, problem))?;
        }
        Ok(Self(Box::from(path)))
    }

    /// The key of `name` directly below this one.
    pub fn join(&self, name: &str) -> Result<Self, InvalidKey> {
        check_segment(name).map_err(|problem| InvalidKey::new(name, problem))?;
        Ok(self.join_checked(name))
    }

    /// The key of the relative path `path` below this one; the root adds nothing.
    #[must_use]
    pub fn join_key(&self, path: &Key) -> Self {
        if path.is_root() {
            self.clone()
        } else {
            self.join_checked(&path.0)
        }
    }

    fn join_checked(&self, rest: &str) -> Self {
        if self.is_root() {
            return Self(Box::from(rest));
        }
        let mut joined = String::with_capacity(self.0.len() + 1 + rest.len());
        joined.push_str(&self.0);
        joined.push('/');
        joined.push_str(rest);
        Self(joined.into_boxed_str())
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that this key is in; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(
            self.0
                .rsplit_once('/')
                .map_or_else(Self::root, |(parent, _)| Self(Box::from(parent))),
        )
    }

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The segments from the root down.
    #[must_use]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// Whether this key is `ancestor` or below it.
    #[must_use]
    pub fn starts_with(&self, ancestor: &Key) -> bool {
        self.relative_to(ancestor).is_some()
    }

    /// The rest of this key below `ancestor`.
    #[must_use]
    pub fn relative_to(&self, ancestor: &Key) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(&*ancestor.0)? {
            "" => Some(Self::root()),
            rest => rest.strip_prefix('/').map(|rest| Self(Box::from(rest))),
        }
    }

    /// `a/b/c`, or the empty string for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    match segment {
        "" => Err("a segment is empty"),
        "." | ".." => Err("it has a segment `.` or `..`"),
        _ if segment.contains('/') => Err("a single name holds a `/`"),
        _ if segment.contains('\0') => Err("it holds a NUL character"),
        _ => Ok(()),
    }
}

impl fmt::Display for Key {
    /// As [`Key::as_str`]; the root prints as nothing.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({:?})", &*self.0)
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Self::parse(path)
    }
}

/// A string that is not a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key:?} is not a path below the root of a store: {problem}; write it as `a/b/c`, without a leading or trailing `/`"
)]
pub struct InvalidKey {
    key: String,
    problem: &'static str,
}

impl InvalidKey {
    fn new(key: &str, problem: &'static str) -> Self {
        Self {
            key: key.to_owned(),
            problem,
        }
    }
}

#[cfg(test)]
mod tests;
