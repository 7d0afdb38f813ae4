//! What a JobManager's answers mean. Unknown fields are ignored; what a decision depends on must be there.

use crate::api::objects_only;
use crate::observe::rest_cluster::cluster_configuration;
use jiff::{SignedDuration, Timestamp};
use retention::evidence::{RestCheckpoint, RestCheckpoints, RestRestored, StateBackend};
use retention::layout::JobId;
use retention::location::{Location, Origin};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What Flink calls a checkpoint that is in no file.
const NOT_ADDRESSABLE: &str = "<checkpoint-not-externally-addressable>";
/// Longer than any class name, in bytes.
const LONGEST_WORD: usize = 256;
/// Longer than a path of any store, in bytes.
const LONGEST_PATH: usize = 8192;

/// The answers as they came.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// `/jobs/:id`
    pub job: &'a [u8],
    /// `/jobs/:id/checkpoints` and `/jobs/:id/checkpoints/config`; missing for a job without checkpointing
    pub checkpoints: Option<(&'a [u8], &'a [u8])>,
    /// `/jobmanager/config`, or why it was not told
    pub cluster: Result<&'a [u8], &'a str>,
}

#[derive(Deserialize)]
struct Job {
    jid: String,
    state: String,
    #[serde(rename = "start-time")]
    start_time: Option<i64>,
    now: Option<i64>,
}

#[derive(Deserialize)]
struct Config {
    max_concurrent: Option<u64>,
    state_backend: Option<String>,
    /// Since Flink 1.13.
    checkpoint_storage: Option<String>,
    /// Since Flink 1.15.
    state_changelog_enabled: Option<bool>,
    /// Milliseconds.
    timeout: Option<i64>,
}

#[derive(Deserialize)]
struct Statistics {
    counts: Option<Counts>,
    latest: Latest,
    history: Vec<Checkpoint>,
}

#[derive(Deserialize)]
struct Counts {
    completed: Option<u64>,
}

#[derive(Deserialize)]
struct Latest {
    completed: Option<Checkpoint>,
    savepoint: Option<Checkpoint>,
    failed: Option<Checkpoint>,
    restored: Option<Restored>,
}

#[derive(Deserialize)]
struct Checkpoint {
    id: u64,
    status: String,
    is_savepoint: bool,
    trigger_timestamp: i64,
    latest_ack_timestamp: Option<i64>,
    external_path: Option<String>,
    #[serde(default)]
    discarded: bool,
}

#[derive(Deserialize)]
struct Restored {
    id: u64,
    restore_timestamp: Option<i64>,
    is_savepoint: bool,
    external_path: Option<String>,
}

/// Reads the answers of one moment.
///
/// `read_at` is when the first was asked for. Statistics come from a cache of the JobManager and may be older than
/// that by its refresh interval (`rest.cache.checkpoint-statistics.timeout`, before 1.18 `web.refresh-interval`; 3 s
/// by default).
pub fn read(
    answers: Answers<'_>,
    read_at: Timestamp,
    origin: &Origin,
) -> Result<RestCheckpoints, String> {
    let job: Job = parse("/jobs/:id", answers.job)?;
    let state = word(job.state)?;
    let job_id: JobId = job.jid.parse().map_err(|error| format!("{error}"))?;
    let started = job.start_time.and_then(time);
    let told = job.now.and_then(time);
    let cluster = answers.cluster.map_err(str::to_owned);
    let cluster = cluster.and_then(cluster_configuration);
    let Some((statistics, config)) = answers.checkpoints else {
        return Ok(RestCheckpoints {
            read_at,
            told,
            job_id,
            state,
            started,
            max_concurrent: None,
            backend: StateBackend::NoCheckpoints,
            changelog: None,
            file_system_storage: false,
            timeout: None,
            checkpoints: Vec::new(),
            completed: None,
            restored: None,
            cluster,
        });
    };
    let config: Config = parse("/jobs/:id/checkpoints/config", config)?;
    let Statistics {
        counts,
        latest,
        history,
    } = parse("/jobs/:id/checkpoints", statistics)?;
    let restored = latest
        .restored
        .map(|restored| restored_from(&restored, origin));
    let all = latest
        .completed
        .into_iter()
        .chain(latest.savepoint)
        .chain(latest.failed)
        .chain(history);
    let mut checkpoints: BTreeMap<u64, RestCheckpoint> = BTreeMap::new();
    for checkpoint in all {
        let checkpoint = of_statistics(&checkpoint, origin)?;
        let discarded = checkpoint.discarded;
        let seen = checkpoints.entry(checkpoint.id).or_insert(checkpoint);
        seen.discarded |= discarded;
    }
    Ok(RestCheckpoints {
        read_at,
        told,
        job_id,
        state,
        started,
        max_concurrent: config.max_concurrent,
        backend: backend(config.state_backend.map(word).transpose()?.as_deref()),
        changelog: config.state_changelog_enabled,
        file_system_storage: config
            .checkpoint_storage
            .is_some_and(|storage| is_file_system(&storage)),
        timeout: config.timeout.map(SignedDuration::from_millis),
        checkpoints: checkpoints.into_values().collect(),
        completed: counts.and_then(|counts| counts.completed),
        restored: restored.transpose()?,
        cluster,
    })
}

pub(super) fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, String> {
    objects_only::from_slice(bytes)
        .map_err(|error| format!("its answer to {what} cannot be understood: {error}"))
}

fn of_statistics(checkpoint: &Checkpoint, origin: &Origin) -> Result<RestCheckpoint, String> {
    let Checkpoint {
        id,
        status,
        is_savepoint,
        trigger_timestamp,
        latest_ack_timestamp,
        external_path,
        discarded,
    } = checkpoint;
    Ok(RestCheckpoint {
        id: *id,
        status: status.clone(),
        is_savepoint: *is_savepoint,
        triggered: time(*trigger_timestamp)
            .ok_or_else(|| format!("checkpoint {id} has no time of its trigger"))?,
        latest_ack: latest_ack_timestamp.and_then(time),
        external_path: path(external_path.as_deref(), origin)?,
        discarded: *discarded,
    })
}

fn restored_from(restored: &Restored, origin: &Origin) -> Result<RestRestored, String> {
    let Restored {
        id,
        restore_timestamp,
        is_savepoint,
        external_path,
    } = restored;
    Ok(RestRestored {
        id: *id,
        at: restore_timestamp.and_then(time),
        external_path: path(external_path.as_deref(), origin)?,
        is_savepoint: *is_savepoint,
    })
}

fn path(text: Option<&str>, origin: &Origin) -> Result<Option<Location>, String> {
    match text {
        None | Some("" | NOT_ADDRESSABLE) => Ok(None),
        Some(text) if text.len() > LONGEST_PATH => {
            Err("it names a checkpoint at a place that no store can have".to_owned())
        }
        Some(text) => Location::parse(text, origin)
            .map(Some)
            .map_err(|error| format!("it names a checkpoint at a place that is none: {error}")),
    }
}

/// A word that is shown to people, for each file that it protects.
pub(super) fn word(word: String) -> Result<String, String> {
    if word.len() <= LONGEST_WORD && !word.contains(char::is_control) {
        return Ok(word);
    }
    let shown: String = word.chars().filter(|c| !c.is_control()).take(20).collect();
    Err(format!("it says {shown:?}..., which is no word of Flink"))
}

/// Milliseconds since 1970; Flink writes -1 for "not yet".
fn time(milliseconds: i64) -> Option<Timestamp> {
    (milliseconds > 0)
        .then(|| Timestamp::from_millisecond(milliseconds).ok())
        .flatten()
}

/// The class without its package, if the package is one of Flink's. REST usually gives only the simple name.
fn flink_class(class: &str) -> &str {
    class
        .rsplit_once('.')
        .filter(|(package, _)| package.starts_with("org.apache.flink."))
        .map_or(class, |(_, name)| name)
}

fn backend(class: Option<&str>) -> StateBackend {
    let Some(class) = class else {
        return StateBackend::Other("(not told)".to_owned());
    };
    match flink_class(class) {
        // The last two keep working state on the heap; up to 1.19 and 1.20 they were shells around the others.
        "HashMapStateBackend" | "FsStateBackend" | "MemoryStateBackend" => StateBackend::HashMap,
        "EmbeddedRocksDBStateBackend" | "RocksDBStateBackend" => StateBackend::RocksDb,
        _ => StateBackend::Other(class.to_owned()),
    }
}

fn is_file_system(storage: &str) -> bool {
    flink_class(storage) == "FileSystemCheckpointStorage"
}

#[cfg(test)]
mod mutated;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use retention::evidence::ClaimMode;
    use rstest::rstest;

    const JOB: &[u8] =
        br#"{"jid":"00000000000000000000000000000abc","state":"RUNNING","start-time":7000}"#;
    const CONFIG: &str = r#"{"max_concurrent":1,"timeout":600000,"state_backend":"EmbeddedRocksDBStateBackend",
        "checkpoint_storage":"FileSystemCheckpointStorage","state_changelog_enabled":false}"#;
    const NONE: &str =
        r#"{"latest":{"completed":null,"savepoint":null,"restored":null},"history":[]}"#;

    fn answers(statistics: &str, config: &str) -> Result<RestCheckpoints, String> {
        let answers = Answers {
            job: JOB,
            checkpoints: Some((statistics.as_bytes(), config.as_bytes())),
            cluster: Err("not asked"),
        };
        read(answers, Timestamp::UNIX_EPOCH, &Origin::default())
    }

    fn captured(version: &str, statistics: &str, config: &str) -> RestCheckpoints {
        let file = |name: &str| {
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rest");
            std::fs::read(format!("{directory}/{version}/{name}.json")).unwrap()
        };
        let (statistics, config) = (file(statistics), file(config));
        let cluster = file("jobmanager-config");
        let answers = Answers {
            job: &file("job"),
            checkpoints: Some((&statistics, &config)),
            cluster: Ok(&cluster),
        };
        read(answers, Timestamp::UNIX_EPOCH, &Origin::default()).unwrap()
    }

    #[rstest]
    fn the_answers_of_real_job_managers_are_understood(
        #[values("1.20.1", "2.1.0", "2.3.0")] version: &str,
    ) {
        let rest = captured(version, "checkpoints", "checkpoints-config");
        assert_eq!(rest.job_id.to_string(), "00000000000000000000000000000abc");
        assert_eq!(rest.state, "RUNNING");
        assert!(rest.started.is_some());
        assert!(rest.told > rest.started, "{:?}", rest.told);
        assert_eq!(
            (rest.max_concurrent, rest.changelog),
            (Some(1), Some(false))
        );
        assert_eq!(rest.backend, StateBackend::RocksDb);
        assert!(rest.file_system_storage);
        assert_eq!(rest.timeout, Some(SignedDuration::from_mins(10)));
        let cluster = rest.cluster.as_ref().unwrap();
        assert_eq!(cluster.high_availability.as_deref(), Some("kubernetes"));
        assert_eq!(cluster.statistics_cache, SignedDuration::from_millis(500));
        assert_eq!(cluster.claim_mode, ClaimMode::NoClaim);
        assert_eq!(
            rest.completed,
            Some(
                rest.checkpoints
                    .iter()
                    .filter(|known| known.status == "COMPLETED")
                    .count() as u64
            )
        );
        let latest = rest.latest_completed().unwrap();
        let path = latest.external_path.as_ref().unwrap().to_string();
        assert!(path.starts_with("file:/data/flink/"), "{path}");
        assert!(latest.latest_ack.unwrap() >= latest.triggered);
        let mut ids: Vec<u64> = rest
            .checkpoints
            .iter()
            .map(|checkpoint| checkpoint.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rest.checkpoints.len(), "doubles");

        let rest = captured(
            version,
            "checkpoints-just-restored",
            "checkpoints-config-concurrent-2",
        );
        assert_eq!(rest.max_concurrent, Some(2));
        let restored = rest.restored.unwrap();
        assert!(restored.external_path.is_some() && restored.at.is_some());
    }

    #[test]
    fn a_job_on_the_heap_is_told_apart() {
        let config = "checkpoints-config-hashmap-delete-on-cancellation";
        let rest = captured("2.1.0", "checkpoints", config);
        assert_eq!(rest.backend, StateBackend::HashMap);
    }

    #[rstest]
    #[case("HashMapStateBackend", StateBackend::HashMap)]
    #[case(
        "org.apache.flink.runtime.state.hashmap.HashMapStateBackend",
        StateBackend::HashMap
    )]
    #[case("FsStateBackend", StateBackend::HashMap)]
    #[case("MemoryStateBackend", StateBackend::HashMap)]
    #[case("RocksDBStateBackend", StateBackend::RocksDb)]
    #[case(
        "org.apache.flink.contrib.streaming.state.EmbeddedRocksDBStateBackend",
        StateBackend::RocksDb
    )]
    #[case(
        "org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend",
        StateBackend::RocksDb
    )]
    #[case("ForStStateBackend", StateBackend::Other("ForStStateBackend".to_owned()))]
    #[case("ChangelogStateBackend", StateBackend::Other("ChangelogStateBackend".to_owned()))]
    #[case("com.example.HashMapStateBackend", StateBackend::Other("com.example.HashMapStateBackend".to_owned()))]
    fn only_known_classes_are_known(#[case] class: &str, #[case] expected: StateBackend) {
        let config = CONFIG.replace("EmbeddedRocksDBStateBackend", class);
        assert_eq!(answers(NONE, &config).unwrap().backend, expected);
    }

    #[test]
    fn what_is_not_told_is_not_assumed() {
        let rest = answers(NONE, "{}").unwrap();
        assert_eq!(
            (rest.max_concurrent, rest.changelog, rest.timeout),
            (None, None, None)
        );
        assert!(matches!(rest.backend, StateBackend::Other(_)));
        assert!(!rest.file_system_storage);
        let memory = CONFIG.replace("FileSystemCheckpointStorage", "JobManagerCheckpointStorage");
        assert!(!answers(NONE, &memory).unwrap().file_system_storage);
    }

    #[test]
    fn a_job_without_checkpointing_has_none() {
        let answers = Answers {
            job: JOB,
            checkpoints: None,
            cluster: Err("not asked"),
        };
        let rest = read(answers, Timestamp::UNIX_EPOCH, &Origin::default()).unwrap();
        assert_eq!(rest.backend, StateBackend::NoCheckpoints);
    }

    #[test]
    fn a_checkpoint_that_was_discarded_in_either_list_is_discarded() {
        let entry = |discarded| {
            format!(
                r#"{{"id":7,"status":"COMPLETED","is_savepoint":false,"trigger_timestamp":1000,
                    "latest_ack_timestamp":-1,"external_path":"file:/x/chk-7","discarded":{discarded}}}"#
            )
        };
        let statistics = format!(
            r#"{{"latest":{{"completed":{}}},"history":[{}]}}"#,
            entry(false),
            entry(true)
        );
        let rest = answers(&statistics, CONFIG).unwrap();
        assert_eq!(rest.checkpoints.len(), 1);
        assert!(rest.checkpoints[0].discarded);
        assert_eq!(rest.checkpoints[0].latest_ack, None);
    }

    #[rstest]
    #[case(r#""trigger_timestamp":1000"#, r#""trigger_timestamp":-1"#)]
    #[case(r#""id":7"#, r#""id":-7"#)]
    #[case(r#""status":"COMPLETED","#, "")]
    #[case("file:/x/chk-7", "nowhere")]
    fn what_a_decision_depends_on_must_be_there(#[case] from: &str, #[case] to: &str) {
        let statistics = r#"{"latest":{},"history":[{"id":7,"status":"COMPLETED","is_savepoint":false,"trigger_timestamp":1000,"external_path":"file:/x/chk-7"}]}"#;
        assert!(answers(statistics, CONFIG).is_ok());
        assert!(statistics.contains(from));
        assert!(
            answers(&statistics.replace(from, to), CONFIG).is_err(),
            "{to}"
        );
    }

    #[test]
    fn a_checkpoint_in_memory_has_no_path() {
        let statistics = format!(
            r#"{{"latest":{{}},"history":[{{"id":7,"status":"COMPLETED","is_savepoint":false,"trigger_timestamp":1000,"external_path":"{NOT_ADDRESSABLE}"}}]}}"#
        );
        let rest = answers(&statistics, CONFIG).unwrap();
        assert_eq!(rest.checkpoints[0].external_path, None);
    }
}
