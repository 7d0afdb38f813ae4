use super::JournalError;
use super::digest::PlanDigest;
use super::documents::Documents;
use jiff::{SignedDuration, Timestamp};
use retention::approval::Approved;
use retention::breaker::Extent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of these documents that this program writes and the only one that it reads.
const VERSION: u64 = 1;
/// How many files one document holds: a few hundred bytes each.
const FILES: usize = 20_000;
/// The most files that a person is asked about at once. The next plan has the others.
pub const MAX_FILES: usize = 200_000;
/// How long a proposal can be approved, and how much longer its documents are left for a run that was approved last.
pub const VALID_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(8 * 24);
/// However many policies ask about one base.
const KEPT: usize = 64;

/// What a person is asked to approve. It is no plan to resume: it only bounds what a later plan may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// By location: files that were ripe.
    pub files: BTreeMap<String, ProposedFile>,
    /// By location: bases that have shrunk, and how small they are to count as right.
    pub accept: BTreeMap<String, Extent>,
}

/// A file as it was when a person was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposedFile {
    pub size: u64,
    pub modified: Timestamp,
    /// For people. Not in the digest: the reason counts that is found when the file is verified.
    pub reason: String,
}

impl Proposal {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.accept.is_empty()
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    /// The name of exactly these files and sizes.
    #[must_use]
    pub fn digest(&self) -> PlanDigest {
        let accept = self.accept.iter().map(|(base, extent)| {
            let Extent {
                roots,
                referenced_bytes,
            } = extent;
            format!("accept {} {roots} {referenced_bytes}\n", quoted(base))
        });
        let files = self.files.iter().map(|(path, file)| {
            let ProposedFile {
                size,
                modified,
                reason: _,
            } = file;
            format!("delete {} {size} {modified}\n", quoted(path))
        });
        PlanDigest::of(accept.chain(files))
    }

    /// The bound that an approval sets.
    #[must_use]
    pub fn approved(&self) -> Approved {
        let files = self.files.iter();
        Approved::new(files.map(|(path, file)| (path.as_str().into(), file.size, file.modified)))
    }
}

/// In JSON's way, so that no name holds a quote or an end of line of its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `plans/<time>-<digest>/<n>.json`
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format_version: u64,
    /// How many documents hold the proposal.
    parts: usize,
    #[serde(default)]
    accept: BTreeMap<String, Extent>,
    files: BTreeMap<String, ProposedFile>,
}

/// Writes a proposal down and gives the directory in which it is.
pub(super) async fn write(
    documents: &Documents,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<String, JournalError> {
    let directory = format!(
        "plans/{}-{}",
        now.strftime(TIME),
        proposal.digest().hexadecimal()
    );
    let files: Vec<_> = proposal.files.iter().collect();
    let parts = files.len().div_ceil(FILES).max(1);
    for number in 0..parts {
        let part = files.iter().skip(number * FILES).take(FILES);
        let document = Document {
            format_version: VERSION,
            parts,
            accept: if number == 0 {
                proposal.accept.clone()
            } else {
                BTreeMap::new()
            },
            files: part
                .map(|&(path, file)| (path.clone(), file.clone()))
                .collect(),
        };
        documents
            .write(&name(&directory, number), &document)
            .await?;
    }
    Ok(directory)
}

/// The proposal of this digest, if it is here, complete and unchanged.
pub(super) async fn read(
    documents: &Documents,
    digest: &PlanDigest,
) -> Result<Option<Proposal>, JournalError> {
    let suffix = format!("-{}", digest.hexadecimal());
    let directories = documents.directories("plans").await?;
    for directory in directories.iter().filter(|name| name.ends_with(&suffix)) {
        let found = read_from(documents, &format!("plans/{directory}")).await?;
        if let Some(found) = found.filter(|found| found.digest() == *digest) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn read_from(
    documents: &Documents,
    directory: &str,
) -> Result<Option<Proposal>, JournalError> {
    let mut proposal = Proposal::default();
    let (mut number, mut parts) = (0, 1);
    while number < parts {
        let name = name(directory, number);
        let Some(document) = documents.read::<Document>(&name).await? else {
            return Ok(None);
        };
        let Document {
            format_version,
            parts: said,
            accept,
            files,
        } = document;
        if format_version != VERSION {
            return Err(JournalError::UnknownFormat {
                location: format!("{}/{name}", documents.location),
                found: format_version,
                known: VERSION,
            });
        }
        proposal.accept.extend(accept);
        proposal.files.extend(files);
        (number, parts) = (number + 1, said.min(MAX_FILES));
    }
    Ok(Some(proposal))
}

/// Deletes what nobody can approve any more.
pub(super) async fn forget_old(documents: &Documents, now: Timestamp) -> Result<(), JournalError> {
    let mut directories = documents.directories("plans").await?;
    directories.sort();
    let oldest = now.checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
    let oldest = oldest.strftime(TIME).to_string();
    let superfluous = directories.len().saturating_sub(KEPT);
    let old = directories
        .iter()
        .enumerate()
        .filter(|(position, name)| *position < superfluous || **name < oldest);
    for (_, name) in old {
        documents.delete_directory(&format!("plans/{name}")).await?;
    }
    Ok(())
}

/// Names sort as times do.
const TIME: &str = "%Y%m%dT%H%M%SZ";

fn name(directory: &str, number: usize) -> String {
    format!("{directory}/{number:06}.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn proposal() -> Proposal {
        let file = ProposedFile {
            size: 1,
            modified: Timestamp::UNIX_EPOCH,
            reason: String::new(),
        };
        let extent = Extent {
            roots: 1,
            referenced_bytes: 2,
        };
        Proposal {
            files: [("file:/a".to_owned(), file)].into(),
            accept: [("file:/b".to_owned(), extent)].into(),
        }
    }

    #[test]
    fn another_file_size_or_time_has_another_digest_and_another_reason_has_not() {
        let digest = proposal().digest();
        let changed = |change: fn(&mut Proposal)| {
            let mut other = proposal();
            change(&mut other);
            other.digest()
        };
        assert_ne!(
            digest,
            changed(|other| other.files.values_mut().for_each(|file| file.size = 2))
        );
        assert_ne!(
            digest,
            changed(|other| other
                .files
                .values_mut()
                .for_each(|file| file.modified = Timestamp::from_nanosecond(1).unwrap()))
        );
        assert_ne!(
            digest,
            changed(|other| other
                .accept
                .values_mut()
                .for_each(|extent| extent.roots = 0))
        );
        assert_ne!(digest, changed(|other| other.files.clear()));
        assert_eq!(
            digest,
            changed(|other| other
                .files
                .values_mut()
                .for_each(|file| "x".clone_into(&mut file.reason)))
        );
    }

    #[test]
    fn a_name_cannot_pretend_to_be_two_files() {
        let (_, file) = proposal().files.pop_first().unwrap();
        let two: BTreeMap<_, _> = [("a", &file), ("b", &file)]
            .map(|(path, file)| (path.to_owned(), file.clone()))
            .into();
        let one = format!("a\" 1 {}\ndelete \"b", file.modified);
        let one = [(one, file)].into();
        let digest = |files| {
            Proposal {
                files,
                ..Proposal::default()
            }
            .digest()
        };
        assert_ne!(digest(two), digest(one));
    }
}
