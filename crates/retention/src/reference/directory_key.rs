use crate::layout::{
    checkpoint_id, is_forst_directory, is_merge_directory, is_savepoint_directory,
};
use std::fmt;

/// The protect key of a directory: the shortest suffix of its path that tells it from others.
///
/// A savepoint's and a merge directory's name is unique; `chk-7` only together with the job directory that holds it;
/// `shared/op_…` only together with the two above it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectoryKey(Box<str>);

impl DirectoryKey {
    /// The key of a directory by its path or URI; a trailing `/` or `/_metadata` does not count.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let path = path.to_lowercase();
        let mut segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if segments.last() == Some(&crate::layout::METADATA_FILE) {
            segments.pop();
        }
        let name = segments.last().copied().unwrap_or_default();
        let length = if is_savepoint_directory(name) || is_merge_directory(name) {
            1
        } else if is_forst_directory(name) {
            3
        } else {
            2
        };
        let from = segments.len().saturating_sub(length);
        Self(segments.get(from..).unwrap_or_default().join("/").into())
    }

    /// Finds every snapshot directory that a text names, in whatever field, scheme or nesting: `…/<parent>/chk-N` and
    /// `savepoint-…`. Used on whole resources, so that no field which may hold a restore source can be forgotten.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Self> {
        text.split(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '\\' | '=' | '?' | '#')
        })
        .filter(|word| word.contains("chk-") || word.contains("savepoint-"))
        .flat_map(|word| {
            let segments: Vec<&str> = word
                .split('/')
                .filter(|segment| !segment.is_empty())
                .collect();
            (1..=segments.len())
                .filter_map(|end| {
                    let path = segments.get(..end)?;
                    let name = path.last()?;
                    let parents = segments.get(..end.saturating_sub(1))?;
                    // The end of a sentence or a bracket belongs to no name.
                    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                    let names_snapshot =
                        is_savepoint_directory(name) || checkpoint_id(name).is_some();
                    names_snapshot.then(|| Self::of(&format!("{}/{name}", parents.join("/"))))
                })
                .collect::<Vec<_>>()
        })
        .collect()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "00000000000000000000000000000abc";

    #[test]
    fn a_checkpoint_is_named_with_its_job() {
        let key = DirectoryKey::of(&format!("s3a://b/ckp/{JOB}/chk-7/_metadata"));
        assert_eq!(key.as_str(), format!("{JOB}/chk-7"));
        assert_eq!(key, DirectoryKey::of(&format!("/elsewhere/{JOB}/chk-7/")));
        assert_eq!(key.to_string(), key.as_str());
        assert_eq!(format!("{key:?}"), format!("\"{key}\""));
    }

    #[test]
    fn a_snapshot_in_a_sentence_is_found() {
        let text = format!("restored (from s3://b/ckp/{JOB}/chk-12), then [file:/x/{JOB}/chk-13].");
        let found = DirectoryKey::all_in(&text);
        assert_eq!(
            found.iter().map(DirectoryKey::as_str).collect::<Vec<_>>(),
            [format!("{JOB}/chk-12"), format!("{JOB}/chk-13")]
        );
    }

    #[test]
    fn every_snapshot_in_a_resource_is_found() {
        let text = format!(
            r#"{{"lastReconciledSpec":"{{\"spec\":{{\"initialSavepointPath\":\"file:///x/{JOB}/chk-12\"}}}}","p":"s3://b/sp/savepoint-5d2ca4-26c7eb3afb70/_metadata"}}"#
        );
        let found = DirectoryKey::all_in(&text);
        assert_eq!(
            found.iter().map(DirectoryKey::as_str).collect::<Vec<_>>(),
            [&format!("{JOB}/chk-12"), "savepoint-5d2ca4-26c7eb3afb70"]
        );
    }
}
