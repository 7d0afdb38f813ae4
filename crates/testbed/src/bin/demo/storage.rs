//! Unpacks what Flink left behind, and counts what is there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use testbed::corpus::{self, Times, Tree, Truth};

use crate::Result;
use crate::jobs::{self, Job};
use crate::screen::size;

/// The newest file is this old, so that all are older than the least age in `administrator.yaml`.
const AGE: Duration = Duration::from_hours(48);

/// What was on storage at the start, by job, as Flink's own classes describe it.
#[derive(Debug)]
pub(crate) struct Storage {
    truths: BTreeMap<&'static str, Truth>,
}

/// The files below the checkpoint directory of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Storage {
    pub(crate) fn unpack(root: &Path) -> Result<Self> {
        let newest = SystemTime::now() - AGE;
        let mut truths = BTreeMap::new();
        for job in jobs::ALL {
            let (version, config) = job.entry;
            let entry = corpus::entry(version, config)?;
            let truth =
                entry.materialize(Tree::Left, &root.join(job.tree()), Times::NewestAt(newest))?;
            truths.insert(job.name, truth);
        }
        fs::remove_file(
            root.join(jobs::STOCK.directory())
                .join(jobs::TAKEN_FROM_STOCK),
        )?;
        make_newer(
            &root
                .join(jobs::CARTS.directory())
                .join(jobs::METADATA_OF_CARTS),
        )?;
        Ok(Self { truths })
    }

    /// Files below the checkpoint directory that no `_metadata` names.
    pub(crate) fn unreferenced(&self, job: &Job) -> Amount {
        let files = self
            .truths
            .get(job.name)
            .map(|truth| truth.tree_files.as_slice())
            .unwrap_or_default();
        files
            .iter()
            .filter(|file| file.path.starts_with("ckp/") && file.role == "unreferenced")
            .fold(Amount::default(), |sum, file| sum.with(file.size))
    }

    /// Such a file, as a path relative to the directory of the demo.
    pub(crate) fn an_unreferenced(&self, job: &Job) -> Option<String> {
        let files = &self.truths.get(job.name)?.tree_files;
        let file = files
            .iter()
            .find(|file| file.path.starts_with("ckp/") && file.role == "unreferenced")?;
        Some(format!("{}/{}", job.tree(), file.path))
    }

    /// Of the files that some kept `_metadata` names, those that are gone.
    pub(crate) fn lost(&self, root: &Path, job: &Job, kept: impl Fn(&str) -> bool) -> Vec<String> {
        let Some(truth) = self.truths.get(job.name) else {
            return Vec::new();
        };
        let below = format!("{}/", truth.root);
        let named = truth
            .metadata
            .iter()
            .filter(|metadata| kept(&metadata.metadata));
        let named = named.filter_map(|metadata| metadata.facts.as_ref());
        let mut lost: Vec<String> = named
            .flat_map(|facts| &facts.files)
            .filter_map(|file| file.path.trim_start_matches("file:").strip_prefix(&below))
            .filter(|path| !root.join(job.tree()).join(path).exists())
            .map(str::to_owned)
            .collect();
        lost.sort();
        lost.dedup();
        lost
    }
}

impl Amount {
    fn with(self, bytes: u64) -> Self {
        Self {
            files: self.files + 1,
            bytes: self.bytes + bytes,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
        }
    }

    pub(crate) fn without(self, rest: Self) -> Self {
        Self {
            files: self.files.saturating_sub(rest.files),
            bytes: self.bytes.saturating_sub(rest.bytes),
        }
    }

    pub(crate) fn text(self) -> String {
        format!("{:>4} files {:>9}", self.files, size(self.bytes))
    }
}

/// Changes the version in the header of a `_metadata` to one that no Flink writes yet; its time stays.
fn make_newer(metadata: &Path) -> Result<()> {
    let mut file = fs::File::options().read(true).write(true).open(metadata)?;
    let modified = file.metadata()?.modified()?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(&7_i32.to_be_bytes())?;
    file.set_modified(modified)?;
    Ok(())
}

/// What is there now. The operator's own journal does not count.
pub(crate) fn present(directory: &Path) -> Result<Amount> {
    let mut sum = Amount::default();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == ".flink-retention" {
            continue;
        }
        let metadata = entry.metadata()?;
        sum = if metadata.is_dir() {
            sum.and(present(&entry.path())?)
        } else {
            sum.with(metadata.len())
        };
    }
    Ok(sum)
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::File::create(path)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
