use super::JournalError;
use super::documents::Documents;
use retention::layout::place;
use retention::mark::{Mark, Marks};
use std::collections::BTreeMap;

/// The document for marks that lie in no job directory.
const NO_DIRECTORY: &str = "base";

type Document = BTreeMap<Box<str>, Mark>;

pub(super) async fn read(documents: &Documents) -> Result<Marks, JournalError> {
    let mut marks = Marks::default();
    for entry in documents.list("marks").await? {
        let name = format!("marks/{}", entry.key.file_name().unwrap_or_default());
        if let Some(document) = documents.read::<Document>(&name).await? {
            marks.by_path.extend(document);
        }
    }
    Ok(marks)
}

/// Replaces the document of each job directory. One that has no mark left is deleted.
pub(super) async fn write(documents: &Documents, marks: &Marks) -> Result<(), JournalError> {
    let mut by_directory: BTreeMap<String, Document> = BTreeMap::new();
    for (path, mark) in &marks.by_path {
        by_directory
            .entry(name(path))
            .or_default()
            .insert(path.clone(), mark.clone());
    }
    for (name, document) in &by_directory {
        documents.write(&format!("marks/{name}"), document).await?;
    }
    for entry in documents.list("marks").await? {
        let name = entry.key.file_name().unwrap_or_default();
        if !by_directory.contains_key(name) {
            documents.delete(&entry).await?;
        }
    }
    Ok(())
}

fn name(path: &str) -> String {
    let directory = match place(path).job {
        Some(job) if !job.path.is_empty() => job.path.replace('/', "~"),
        Some(_) | None => NO_DIRECTORY.to_owned(),
    };
    format!("{directory}.json")
}
