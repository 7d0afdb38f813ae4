use super::JournalError;
use super::documents::Documents;
use retention::layout::place;
use retention::mark::{Mark, Marks};
use std::collections::BTreeMap;

/// The document for marks that lie in no job directory.
const NO_DIRECTORY: &str = "base";
/// How many marks one document holds, about: a few hundred bytes each, far below the largest document that is read.
const MARKS: usize = 50_000;
/// The longest name of a directory that becomes the name of a document; file systems stop at 255 bytes.
const NAME: usize = 180;

/// What is written are the marks themselves, not a copy of them.
type Document<'m> = BTreeMap<&'m str, &'m Mark>;

type Read = BTreeMap<Box<str>, Mark>;

pub(super) async fn read(documents: &Documents, epoch: u64) -> Result<Marks, JournalError> {
    let mut marks = Marks::default();
    let home = home(epoch);
    for entry in documents.list(&home).await? {
        let name = format!("{home}/{}", entry.key.file_name().unwrap_or_default());
        if let Some(document) = documents.read::<Read>(&name).await? {
            let read = document.into_iter();
            marks
                .by_path
                .extend(read.map(|(path, mark)| (path.into(), mark)));
        }
    }
    Ok(marks)
}

/// The directory of the marks of one run, by its epoch. Zero-padded, so that names sort as numbers do.
fn home(epoch: u64) -> String {
    format!("marks/{epoch:020}")
}

/// Replaces the documents of each job directory. One that has no mark left is deleted.
pub(super) async fn write(
    documents: &Documents,
    epoch: u64,
    marks: &Marks,
) -> Result<(), JournalError> {
    let home = home(epoch);
    let mut by_directory: BTreeMap<String, Document<'_>> = BTreeMap::new();
    for (path, mark) in &marks.by_path {
        by_directory
            .entry(directory(path))
            .or_default()
            .insert(path, mark);
    }
    let by_name: BTreeMap<String, Document<'_>> = by_directory
        .into_iter()
        .flat_map(|(directory, marks)| parts(&directory, marks))
        .collect();
    for (name, document) in &by_name {
        documents.write(&format!("{home}/{name}"), document).await?;
    }
    for entry in documents.list(&home).await? {
        let name = entry.key.file_name().unwrap_or_default();
        if !by_name.contains_key(name) {
            documents.delete(&entry).await?;
        }
    }
    Ok(())
}

/// Of the runs whose marks are there, complete or not.
pub(super) async fn epochs(documents: &Documents) -> Result<Vec<u64>, JournalError> {
    let names = documents.directories("marks").await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Deletes the marks of runs before this one.
pub(super) async fn forget_former(documents: &Documents, epoch: u64) -> Result<(), JournalError> {
    for name in documents.directories("marks").await? {
        if name.parse::<u64>().is_ok_and(|former| former < epoch) {
            documents.delete_directory(&format!("marks/{name}")).await?;
        }
    }
    Ok(())
}

fn directory(path: &str) -> String {
    match place(path).job {
        Some(job) if !job.path.is_empty() => {
            let name = job.path.replace('/', "~");
            if name.len() <= NAME {
                return name;
            }
            // The end tells most: the job id.
            let tail = (name.len() - NAME..name.len()).find_map(|from| name.get(from..));
            format!("{:016x}~{}", hash(&name), tail.unwrap_or_default())
        }
        Some(_) | None => NO_DIRECTORY.to_owned(),
    }
}

/// The documents of one job directory: one, or as many as it needs. Which one holds a mark depends on its path, so that
/// marks that come and go do not move the others.
fn parts<'m>(
    directory: &str,
    marks: Document<'m>,
) -> impl Iterator<Item = (String, Document<'m>)> + use<'m> {
    let count = marks.len().div_ceil(MARKS).next_power_of_two() as u64;
    let mut parts: BTreeMap<String, Document<'m>> = BTreeMap::new();
    for (path, mark) in marks {
        let name = match hash(path) % count {
            0 => format!("{directory}.json"),
            number => format!("{directory}.{number:06}.json"),
        };
        parts.entry(name).or_default().insert(path, mark);
    }
    parts.into_iter()
}

/// FNV-1a: the same in every version of this program, unlike the hash of the standard library.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use retention::mark::MarkKind;

    const JOB: &str = "00000000000000000000000000000abc";

    fn marks(count: usize) -> Read {
        let mark = Mark {
            kind: MarkKind::Orphan,
            size: 1,
            modified: jiff::Timestamp::UNIX_EPOCH,
            since: jiff::Timestamp::UNIX_EPOCH,
            counter: None,
            witness: None,
        };
        (0..count)
            .map(|number| (format!("{JOB}/shared/{number}").into(), mark.clone()))
            .collect()
    }

    fn document(marks: &Read) -> Document<'_> {
        marks.iter().map(|(path, mark)| (&**path, mark)).collect()
    }

    #[test]
    fn no_document_grows_beyond_what_can_be_read() {
        let marks = marks(MARKS * 3);
        let parts: Vec<(String, Document<'_>)> = parts(JOB, document(&marks)).collect();
        assert_eq!(parts.len(), 4);
        assert!(parts.iter().all(|(_, part)| part.len() < MARKS * 2));
        let total: usize = parts.iter().map(|(_, part)| part.len()).sum();
        assert_eq!(total, MARKS * 3);
    }

    #[test]
    fn a_few_marks_are_one_document() {
        let marks = marks(3);
        let parts: Vec<(String, Document<'_>)> = parts(JOB, document(&marks)).collect();
        assert_eq!(parts.first().unwrap().0, format!("{JOB}.json"));
        assert_eq!(parts.len(), 1);
    }

    #[test]
    fn a_deep_directory_has_a_short_name_of_its_own() {
        let name = |top: &str| directory(&format!("{top}/{}/{JOB}/shared/x", "é".repeat(300)));
        assert!(name("a").len() < 220);
        assert_ne!(name("a"), name("b"));
    }
}
