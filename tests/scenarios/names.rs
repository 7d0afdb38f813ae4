//! Short names in scenario files for what Flink names with 32 digits.

use std::collections::BTreeMap;

/// `J1` is a job id, `savepoint-J1-2` the second savepoint of that job, and a plain word at the end of a path a data
/// file, whose real name is a UUID.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The UUID of each data file that was named, by its path.
    files: BTreeMap<String, String>,
    /// The word for each UUID.
    words: BTreeMap<String, String>,
}

impl Names {
    /// The real name of a file in a directory. A word means another file in each directory.
    pub(crate) fn file(&mut self, directory: &str, name: &str) -> String {
        let (prefix, word) = ["._metadata.inprogress.", "__metadata_tmp_"]
            .into_iter()
            .find_map(|prefix| Some((prefix, name.strip_prefix(prefix)?)))
            .unwrap_or(("", name));
        if is_word(word) {
            format!(
                "{prefix}{}",
                self.uuid(&format!("{directory}/{word}"), word)
            )
        } else {
            segment(name)
        }
    }

    /// Makes the same names known in another directory: somebody copied it.
    pub(crate) fn copied(&mut self, from: &str, to: &str) {
        let inside: Vec<(String, String)> = self
            .files
            .iter()
            .filter_map(|(path, uuid)| {
                Some((format!("{to}{}", path.strip_prefix(from)?), uuid.clone()))
            })
            .collect();
        self.files.extend(inside);
    }

    fn uuid(&mut self, path: &str, word: &str) -> String {
        if let Some(uuid) = self.files.get(path) {
            return uuid.clone();
        }
        let uuid = format!("00000000-0000-0000-0000-{:012}", self.files.len() + 1);
        self.files.insert(path.to_owned(), uuid.clone());
        self.words.insert(uuid.clone(), word.to_owned());
        uuid
    }

    /// Text as scenario files have it.
    pub(crate) fn shorten(&self, text: &str) -> String {
        let mut text = text.replace("file:/data/ckp/", "");
        for (uuid, word) in &self.words {
            text = text.replace(uuid, word);
        }
        for job in JOBS {
            text = text.replace(&job_id(job), job);
            let prefix = &job_id(job)[..6];
            text = text.replace(
                &format!("savepoint-{prefix}-00000000000"),
                &format!("savepoint-{job}-"),
            );
        }
        text
    }
}

const JOBS: [&str; 11] = [
    "J0", "J1", "J2", "J3", "J4", "J5", "J6", "J7", "J8", "J9", "JZ",
];

/// `J1` is `a1a1…`; `JZ` is the id of all zeros.
pub(crate) fn job_id(name: &str) -> String {
    match name {
        "JZ" => "0".repeat(32),
        name => name.replacen('J', "a", 1).repeat(16),
    }
}

/// The real path of a directory.
pub(crate) fn directory(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(segment).collect();
    segments.join("/")
}

fn segment(segment: &str) -> String {
    if let Some(rest) = segment.strip_prefix("savepoint-")
        && let Some((job, number)) = rest.split_once('-')
        && JOBS.contains(&job)
    {
        return format!("savepoint-{}-{number:0>12}", &job_id(job)[..6]);
    }
    let parts = segment.split('_').map(|part| {
        if JOBS.contains(&part) {
            job_id(part)
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("_")
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}
