//! Every configuration that a job is known to have: as deployed, as reconciled, as it would be rolled back to, as asked.

use crate::api::flink::FlinkConfiguration;
use crate::api::flink::job::LAST_STATE_MARKER;
use crate::api::flink::options::{
    self, CHANGELOG_DIRECTORY, CHECKPOINT_DIRECTORY, HighAvailability, RESTORE_PATH,
    SAVEPOINT_DIRECTORY,
};
use crate::observe::roots::key_and_place;
use jiff::SignedDuration;
use retention::evidence::StateBackend;
use retention::location::{Location, LocationError, Origin};
use retention::reference::DirectoryKey;
use std::collections::BTreeSet;

const DEFAULT_REST_PORT: u16 = 8081;

/// Nearest to the truth first. At least one.
#[derive(Clone, Debug, Default)]
pub(super) struct Configurations {
    first: FlinkConfiguration,
    others: Vec<FlinkConfiguration>,
}

/// The directories that configurations name.
#[derive(Clone, Debug, Default)]
pub(super) struct Directories {
    pub(super) bases: Vec<Location>,
    /// Names of directories that are none. Flink cannot write there either.
    pub(super) invalid: Vec<LocationError>,
    /// Bases whose files get random path segments.
    pub(super) with_entropy: Vec<Location>,
}

impl Configurations {
    /// `asked` is the spec as it stands, `known` what is nearer to the truth, best first.
    pub(super) fn new(known: Vec<FlinkConfiguration>, asked: FlinkConfiguration) -> Self {
        Self::distinct(known.into_iter().chain([asked]))
    }

    /// These, and one that is nearer to the truth than all of them.
    pub(super) fn nearest(self, deployed: FlinkConfiguration) -> Self {
        let Self { first, others } = self;
        Self::distinct([deployed, first].into_iter().chain(others))
    }

    /// The same one twice says nothing more: mostly what is asked for is what is deployed.
    fn distinct(all: impl Iterator<Item = FlinkConfiguration>) -> Self {
        let mut distinct: Vec<FlinkConfiguration> = Vec::new();
        for configuration in all {
            if !distinct.contains(&configuration) {
                distinct.push(configuration);
            }
        }
        let mut distinct = distinct.into_iter();
        Self {
            first: distinct.next().unwrap_or_default(),
            others: distinct.collect(),
        }
    }

    /// The configurations of a session job: each of its own on top of its cluster's, then its cluster's.
    pub(super) fn of_session_job(own: &Self, cluster: &Self) -> Self {
        let overlaid: Vec<FlinkConfiguration> = own
            .all()
            .map(|own| cluster.first.overlaid_with(own))
            .collect();
        Self::distinct(overlaid.into_iter().chain(cluster.all().cloned()))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &FlinkConfiguration> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// A job id that any of them fixes.
    pub(super) fn fixed_job_id(&self) -> Option<&str> {
        self.all().find_map(FlinkConfiguration::fixed_job_id)
    }

    pub(super) fn high_availability(&self) -> HighAvailability {
        self.first.high_availability()
    }

    /// `kubernetes.cluster-id`, which the operator sets to the name of the resource.
    pub(super) fn cluster_id(&self) -> Option<&str> {
        self.first.kubernetes_cluster_id()
    }

    pub(super) fn rest_port(&self) -> u16 {
        self.first
            .get("rest.port")
            .and_then(|port| port.trim().parse().ok())
            .unwrap_or(DEFAULT_REST_PORT)
    }

    /// Flink takes the older option for all of its endpoints where the newer one is not set.
    pub(super) fn rest_tls(&self) -> bool {
        self.first.rest_tls().unwrap_or_default()
    }

    /// The longest, for the running job may have any of them. None if one of them cannot be understood.
    pub(super) fn checkpoint_timeout(&self) -> Option<SignedDuration> {
        self.all()
            .map(|configuration| {
                SignedDuration::try_from(configuration.checkpoint_timeout().ok()?).ok()
            })
            .try_fold(SignedDuration::ZERO, |longest, timeout| {
                Some(longest.max(timeout?))
            })
    }

    /// One that the running job may have and that is not plain, or the plain one that all of them say. None if one of
    /// them says nothing: then code may choose it.
    pub(super) fn state_backend(&self) -> Option<StateBackend> {
        let told: Vec<Option<StateBackend>> = self
            .all()
            .map(|configuration| Some(known_backend(configuration.state_backend()?)))
            .collect();
        let other = told
            .iter()
            .flatten()
            .find(|backend| matches!(backend, StateBackend::Other(_)));
        if let Some(other) = other {
            return Some(other.clone());
        }
        let all: Option<Vec<StateBackend>> = told.into_iter().collect();
        all?.into_iter().next()
    }

    /// Every snapshot that any value names, above all where a restore begins (R13), and where it is if that is told.
    pub(super) fn snapshots(&self, origin: &Origin) -> BTreeSet<(DirectoryKey, Option<Location>)> {
        let restored = self
            .all()
            .flat_map(|configuration| configuration.all_values(RESTORE_PATH))
            .filter(|path| *path != LAST_STATE_MARKER);
        let values = self.all().flat_map(FlinkConfiguration::iter);
        values
            .flat_map(|(_, value)| DirectoryKey::all_in(value))
            .map(|key| (key, None))
            .chain(restored.map(|path| key_and_place(path, origin)))
            .collect()
    }

    /// Under every spelling: which one counts depends on the version of Flink that runs.
    pub(super) fn directories(&self, origin: &Origin) -> Directories {
        let mut directories = Directories::default();
        for configuration in self.all() {
            let origin = Origin {
                default_scheme: configuration
                    .default_scheme()
                    .map(str::to_owned)
                    .or_else(|| origin.default_scheme.clone()),
                ..origin.clone()
            };
            for text in named_in(configuration) {
                match Location::parse(text, &origin) {
                    Ok(base) => {
                        let entropy = configuration.entropy_key().filter(|key| text.contains(key));
                        if entropy.is_some() && !directories.with_entropy.contains(&base) {
                            directories.with_entropy.push(base.clone());
                        }
                        if !directories.bases.contains(&base) {
                            directories.bases.push(base);
                        }
                    }
                    Err(error) => directories.invalid.push(error),
                }
            }
        }
        directories
    }
}

fn known_backend(backend: options::StateBackend) -> StateBackend {
    match backend {
        options::StateBackend::HashMap => StateBackend::HashMap,
        options::StateBackend::RocksDb => StateBackend::RocksDb,
        options::StateBackend::ForSt => StateBackend::Other("forst".to_owned()),
        options::StateBackend::Other(class) => StateBackend::Other(class),
    }
}

fn named_in(configuration: &FlinkConfiguration) -> impl Iterator<Item = &str> {
    let forst = configuration
        .forst_primary_directory()
        .filter(|directory| !matches!(*directory, "checkpoint-dir" | "local-dir"));
    configuration
        .all_values(CHECKPOINT_DIRECTORY)
        .chain(configuration.all_values(SAVEPOINT_DIRECTORY))
        .chain(configuration.all_values(CHANGELOG_DIRECTORY))
        .chain(forst)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rstest::rstest;

    /// Configurations between bars, nearest to the truth first; settings between semicolons.
    fn configurations(text: &str) -> Configurations {
        let mut all: Vec<FlinkConfiguration> = text
            .split('|')
            .map(|settings| {
                let settings = settings.split(';').filter_map(|one| one.split_once('='));
                settings
                    .map(|(key, value)| (key.trim(), value.trim()))
                    .collect()
            })
            .collect();
        let asked = all.pop().unwrap();
        Configurations::new(all, asked)
    }

    #[rstest]
    #[case::old_and_new_spelling(
        "state.checkpoints.dir=file:///a; execution.checkpointing.dir=s3a://b/c",
        &["s3://b/c", "file:/a"]
    )]
    #[case::deployed_and_asked(
        "state.checkpoints.dir=/deployed | state.checkpoints.dir=/asked",
        &["file:/deployed", "file:/asked"]
    )]
    #[case::the_same_twice(
        "state.checkpoints.dir=/a/; state.savepoints.dir=file:///a",
        &["file:/a"]
    )]
    #[case::own_bases_of_back_ends(
        "dstl.dfs.base-path=/log; state.backend.forst.primary-dir=/forst",
        &["file:/log", "file:/forst"]
    )]
    #[case::words_are_no_directories("state.backend.forst.primary-dir=checkpoint-dir", &[])]
    #[case::default_scheme(
        "state.checkpoints.dir=/a; fs.default-scheme=hdfs://nn:8020/",
        &["hdfs://nn:8020/a"]
    )]
    fn every_directory_is_a_base(#[case] text: &str, #[case] expected: &[&str]) {
        let directories = configurations(text).directories(&Origin::default());
        let bases: Vec<String> = directories.bases.iter().map(ToString::to_string).collect();
        assert_eq!(bases, expected);
    }

    #[test]
    fn a_session_job_uses_its_own_directory_and_may_use_its_clusters() {
        let cluster = configurations("state.checkpoints.dir=/cluster; rest.port=80");
        let own = configurations("state.checkpoints.dir=/own");
        let both = Configurations::of_session_job(&own, &cluster);
        let bases = both.directories(&Origin::default()).bases;
        assert_eq!(bases.len(), 2);
        assert_eq!(both.rest_port(), 80);
    }

    #[test]
    fn entropy_and_invalid_names_are_told() {
        let directories = configurations(
            "state.checkpoints.dir=s3://b/_entropy_/c; s3.entropy.key=_entropy_; \
             state.savepoints.dir=s3://b/plain | state.checkpoints.dir=relative",
        )
        .directories(&Origin::default());
        assert_eq!(directories.with_entropy.len(), 1);
        assert_eq!(directories.invalid.len(), 1);
    }

    #[test]
    fn r13_what_a_restore_begins_from_is_named() {
        let keys = configurations(
            "execution.savepoint.path=KUBERNETES_OPERATOR_LAST_STATE \
             | execution.state-recovery.path=/copied/mine \
             | my.own.key=s3://b/savepoint-4f1c0d-0123456789ab",
        )
        .snapshots(&Origin::default());
        let keys: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["copied/mine", "savepoint-4f1c0d-0123456789ab"]);
    }

    #[rstest]
    #[case::one("state.backend.type=rocksdb", Some(StateBackend::RocksDb))]
    #[case::both(
        "state.backend=hashmap | state.backend.type=hashmap",
        Some(StateBackend::HashMap)
    )]
    #[case::one_says_nothing("state.backend.type=rocksdb | other=x", None)]
    #[case::none("other=x", None)]
    #[case::forst("state.backend.type=rocksdb | state.backend.type=forst", Some(StateBackend::Other("forst".into())))]
    fn a_backend_is_known_where_all_say_it(
        #[case] text: &str,
        #[case] expected: Option<StateBackend>,
    ) {
        assert_eq!(configurations(text).state_backend(), expected);
    }

    #[test]
    fn the_longest_timeout_counts_and_a_broken_one_is_unknown() {
        let timeout = |text| configurations(text).checkpoint_timeout();
        let hour = Some(SignedDuration::from_hours(1));
        assert_eq!(
            timeout("execution.checkpointing.timeout=1 h | other=x"),
            hour
        );
        assert_eq!(
            timeout("other=x | execution.checkpointing.timeout=1 h"),
            hour
        );
        assert_eq!(timeout("execution.checkpointing.timeout=soon"), None);
    }
}
