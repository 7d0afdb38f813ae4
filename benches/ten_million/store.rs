//! A bucket whose contents are computed when they are asked for.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use storage::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, EntryKind, Key, Operation, Put,
    RemovedDirectory, Storage, StorageError, Version,
};
use testbed::snapshot::SnapshotFile;

pub(crate) const BASE: &str = "checkpoints";
pub(crate) const BUCKET: &str = "s3://bucket";
pub(crate) const CHECKPOINT: &str = "chk-";
/// Of a file of state.
pub(crate) const SIZE: u64 = 64 << 20;

/// What is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) jobs: usize,
    pub(crate) files_of_job: usize,
    /// How many of a hundred files each snapshot of their job names.
    pub(crate) named_percent: usize,
    /// How many each job has.
    pub(crate) snapshots: usize,
}

impl Shape {
    pub(crate) const fn new(jobs: usize, files_of_job: usize, named_percent: usize) -> Self {
        Self {
            jobs,
            files_of_job,
            named_percent,
            snapshots: 1,
        }
    }

    /// The same with so many snapshots of each job, all of which name the same files.
    pub(crate) const fn snapshots(self, snapshots: usize) -> Self {
        Self { snapshots, ..self }
    }

    pub(crate) fn files(self) -> usize {
        self.jobs * self.files_of_job
    }

    pub(crate) fn unnamed(self) -> usize {
        self.jobs
            * (0..self.files_of_job)
                .filter(|file| !self.names(*file))
                .count()
    }

    fn names(self, file: usize) -> bool {
        file % 100 < self.named_percent
    }
}

#[derive(Debug)]
pub(crate) struct MadeUp {
    shape: Shape,
    modified: Timestamp,
    /// All names are equally long, so each `_metadata` is.
    metadata_size: u64,
}

impl MadeUp {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            modified: Timestamp::now() - jiff::SignedDuration::from_hours(1000),
            metadata_size: metadata(shape, BUCKET, 0, 1).len() as u64,
        }
    }

    fn entry(&self, key: Key, kind: EntryKind, size: u64) -> Entry {
        let file = kind == EntryKind::File;
        Entry {
            key,
            kind,
            version: Version {
                size,
                modified: file.then_some(self.modified),
                etag: file.then(|| "\"0123456789abcdef0123456789abcdef\"".to_owned()),
            },
        }
    }

    fn children(&self, directory: &Key) -> BoxStream<'_, Entry> {
        let named = |name: &str, kind| {
            let key = directory.join(name).unwrap();
            self.entry(key, kind, 0)
        };
        let segments: Vec<&str> = directory.segments().collect();
        match segments.as_slice() {
            [BASE] => {
                let jobs =
                    (0..self.shape.jobs).map(|job| named(&job_name(job), EntryKind::Directory));
                stream::iter(jobs.collect::<Vec<_>>()).boxed()
            }
            [BASE, _] => {
                let checkpoints = (1..=self.shape.snapshots).map(|number| format!("chk-{number}"));
                let parts = checkpoints.chain(["shared".to_owned()]);
                let parts: Vec<Entry> = parts
                    .map(|name| named(&name, EntryKind::Directory))
                    .collect();
                stream::iter(parts).boxed()
            }
            [BASE, job, "shared"] => {
                let (job, directory) = (job_number(job), directory.clone());
                let files = (0..self.shape.files_of_job).map(move |file| {
                    let key = directory.join(&file_name(job, file)).unwrap();
                    self.entry(key, EntryKind::File, SIZE)
                });
                stream::iter(files).boxed()
            }
            [BASE, _, checkpoint] if checkpoint.starts_with(CHECKPOINT) => {
                let key = directory.join("_metadata").unwrap();
                let metadata = self.entry(key, EntryKind::File, self.metadata_size);
                stream::iter([metadata]).boxed()
            }
            _ => stream::empty().boxed(),
        }
    }
}

#[async_trait]
impl Storage for MadeUp {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_delete: ConditionalDelete::Atomic,
            real_directories: false,
            modified_resolution: Duration::from_secs(1),
        }
    }

    fn location(&self, key: &Key) -> String {
        format!("{BUCKET}/{key}")
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        self.children(directory).map(Ok).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        let Some(parent) = key.parent() else {
            return Ok(None);
        };
        let mut siblings = self.children(&parent);
        while let Some(entry) = siblings.next().await {
            if entry.key == *key {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    async fn read(&self, key: &Key, _: u64) -> Result<Contents, StorageError> {
        let segments: Vec<&str> = key.segments().collect();
        let [BASE, job, checkpoint, "_metadata"] = segments.as_slice() else {
            // There is no journal.
            return Err(StorageError::NotFound {
                operation: Operation::Read,
                path: self.location(key),
            });
        };
        let number = checkpoint.trim_start_matches(CHECKPOINT).parse().unwrap();
        let bytes = metadata(self.shape, BUCKET, job_number(job), number);
        assert_eq!(bytes.len() as u64, self.metadata_size, "as it was listed");
        let entry = self.entry(key.clone(), EntryKind::File, bytes.len() as u64);
        Ok(Contents {
            bytes: Bytes::from(bytes),
            version: entry.version,
        })
    }

    async fn read_range(&self, _: &Key, _: u64, _: u64) -> Result<Contents, StorageError> {
        unreachable!("a dry run reads whole files")
    }

    async fn delete_if_unchanged(&self, _: &Key, _: &Version) -> Result<Deletion, StorageError> {
        unreachable!("a dry run changes nothing")
    }

    async fn remove_empty_directory(&self, _: &Key) -> Result<RemovedDirectory, StorageError> {
        unreachable!("a dry run changes nothing")
    }

    async fn put_if_absent(&self, _: &Key, _: Bytes) -> Result<Put, StorageError> {
        unreachable!("a dry run changes nothing")
    }

    async fn replace(&self, _: &Key, _: Bytes) -> Result<(), StorageError> {
        unreachable!("a dry run changes nothing")
    }
}

/// The snapshot of a job below `root`.
pub(crate) fn metadata(shape: Shape, root: &str, job: usize, checkpoint_id: u64) -> Vec<u8> {
    let directory = format!("{root}/{BASE}/{}/shared", job_name(job));
    let named = (0..shape.files_of_job).filter(|file| shape.names(*file));
    SnapshotFile {
        checkpoint_id,
        shared: named
            .map(|file| (format!("{directory}/{}", file_name(job, file)), SIZE))
            .collect(),
        exclusive: Vec::new(),
    }
    .to_bytes()
}

pub(crate) fn job_name(job: usize) -> String {
    format!(
        "{:032x}",
        (job as u128 + 1) * 0x0123_4567_89ab_cdef_0000_0001
    )
}

fn job_number(name: &str) -> usize {
    let id = u128::from_str_radix(name, 16).unwrap() / 0x0123_4567_89ab_cdef_0000_0001;
    usize::try_from(id).unwrap() - 1
}

/// As Flink draws them at random, but always the same ones.
pub(crate) fn file_name(job: usize, file: usize) -> String {
    let [a, b] = [1, 2].map(|half| mixed((job as u64) << 32 | (file as u64) << 2 | half));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
}

/// `SplitMix64`: no two numbers become one.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
