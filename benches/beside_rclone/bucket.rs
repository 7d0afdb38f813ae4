//! A bucket with the checkpoints of some jobs.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures::stream::{self, StreamExt, TryStreamExt};
use storage::{Key, ObjectStorage, S3Access, S3Account, S3Credentials, Secret, Storage};
use tempfile::NamedTempFile;
use testbed::object_store::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use testbed::snapshot::SnapshotFile;

const FILES_OF_JOB: usize = 5000;
const BASE: &str = "checkpoints";
const CONTENTS: &[u8] = b"of a file of state";
const AT_ONCE: usize = 32;
const MONTH: Duration = Duration::from_hours(30 * 24);

#[derive(Debug)]
pub(crate) struct Bucket {
    name: String,
    directory: PathBuf,
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    /// In the bucket.
    directory: String,
    /// The data files; nothing names each tenth.
    files: Vec<String>,
}

impl Bucket {
    /// So many data files, each job with a snapshot that names nine of ten.
    pub(crate) fn make(server: &S3Server, name: &str, files: usize) -> Self {
        server.make_bucket(name).unwrap();
        let bucket = Self {
            name: name.to_owned(),
            directory: server.directory(name),
            jobs: (0..files / FILES_OF_JOB).map(Job::new).collect(),
        };
        bucket.fill(server);
        bucket
    }

    /// Puts whatever is not there (any more), through the store, so that it has an etag.
    pub(crate) fn fill(&self, server: &S3Server) {
        let missing = self.jobs.iter().flat_map(|job| job.objects(&self.name));
        let missing = missing.filter(|(path, _)| !self.directory.join(path).exists());
        let store = self.store(server);
        let puts = stream::iter(missing.map(|(path, bytes)| {
            let (store, file) = (&store, self.directory.join(&path));
            async move {
                let key = Key::parse(&path).unwrap();
                store.replace(&key, bytes.into()).await?;
                // The store gives an object the time of its file.
                let stored = File::options().write(true).open(file).unwrap();
                stored.set_modified(SystemTime::now() - MONTH).unwrap();
                Ok::<(), storage::StorageError>(())
            }
        }));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime
            .block_on(puts.buffer_unordered(AT_ONCE).try_collect::<()>())
            .unwrap();
    }

    pub(crate) fn base(&self) -> String {
        format!("s3://{}/{BASE}", self.name)
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// The data files that are there.
    pub(crate) fn files(&self) -> usize {
        let shared = self.jobs.iter().map(Job::shared);
        shared
            .filter_map(|shared| fs::read_dir(self.directory.join(shared)).ok())
            .map(Iterator::count)
            .sum()
    }

    /// How many data files snapshots name.
    pub(crate) fn named(&self) -> usize {
        self.jobs.iter().map(|job| job.named().count()).sum()
    }

    /// The data files that nothing names, by their paths in the base.
    pub(crate) fn unnamed(&self) -> Vec<&str> {
        let unnamed = self.jobs.iter().flat_map(Job::unnamed);
        unnamed
            .filter_map(|path| path.strip_prefix(BASE)?.strip_prefix('/'))
            .collect()
    }

    pub(crate) fn list_of_unnamed(&self) -> NamedTempFile {
        let mut list = NamedTempFile::new().unwrap();
        list.write_all(self.unnamed().join("\n").as_bytes())
            .unwrap();
        list
    }

    fn store(&self, server: &S3Server) -> ObjectStorage {
        let account = S3Account::new(S3Access {
            endpoint: Some(server.endpoint()),
            region: Some(REGION.to_owned()),
            virtual_host_style: false,
            credentials: S3Credentials::Keys {
                access_key_id: Secret::new(ACCESS_KEY.to_owned()),
                secret_access_key: Secret::new(SECRET_KEY.to_owned()),
                session_token: None,
            },
        });
        let own = ".flink-retention".parse().unwrap();
        account.directory(&self.name, &Key::root(), own).unwrap()
    }
}

impl Job {
    fn new(number: usize) -> Self {
        let directory = format!("{BASE}/{:032x}", number + 1);
        let mut random = fastrand::Rng::with_seed(number as u64);
        let files = (0..FILES_OF_JOB)
            .map(|_| format!("{directory}/shared/{}", uuid(&mut random)))
            .collect();
        Self { directory, files }
    }

    fn shared(&self) -> String {
        format!("{}/shared", self.directory)
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        let named = self.files.iter().enumerate();
        named
            .filter(|(file, _)| file % 10 != 0)
            .map(|(_, path)| path.as_str())
    }

    fn unnamed(&self) -> impl Iterator<Item = &str> {
        self.files.iter().step_by(10).map(String::as_str)
    }

    /// What the job would have written into the bucket, by path.
    fn objects(&self, bucket: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
        let size = CONTENTS.len() as u64;
        let snapshot = SnapshotFile {
            checkpoint_id: 1,
            shared: self
                .named()
                .map(|path| (format!("s3://{bucket}/{path}"), size))
                .collect(),
            exclusive: Vec::new(),
        };
        let metadata = format!("{}/chk-1/_metadata", self.directory);
        let data = self.files.iter().cloned();
        data.map(|path| (path, CONTENTS.to_vec()))
            .chain([(metadata, snapshot.to_bytes())])
    }
}

fn uuid(random: &mut fastrand::Rng) -> String {
    let bits = random.u128(..);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xfff,
        bits >> 48 & 0xfff,
        bits & 0xffff_ffff_ffff
    )
}
