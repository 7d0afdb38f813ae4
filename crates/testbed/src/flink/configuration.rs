use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FlinkError, FlinkVersion};

/// Flink's configuration, in the spelling of Flink 1.20 and later.
#[derive(Debug, Clone)]
pub(super) struct Configuration(BTreeMap<String, String>);

impl Configuration {
    /// Small, quick, on loopback only, with ports that the system picks. Times are short so that a killed `JobManager`
    /// is replaced within seconds; everything about what is written and deleted is Flink's default.
    pub(super) fn small() -> Self {
        let defaults = [
            ("parallelism.default", "2"),
            ("taskmanager.numberOfTaskSlots", "2"),
            ("execution.checkpointing.interval", "1 s"),
            ("execution.checkpointing.num-retained", "2"),
            (
                "execution.checkpointing.externalized-checkpoint-retention",
                "RETAIN_ON_CANCELLATION",
            ),
            ("restart-strategy.type", "fixed-delay"),
            ("restart-strategy.fixed-delay.attempts", "1000"),
            ("restart-strategy.fixed-delay.delay", "500 ms"),
            // Milliseconds: a plain number is the one spelling that every release reads.
            ("heartbeat.interval", "1000"),
            ("heartbeat.timeout", "10000"),
            ("web.refresh-interval", "500"),
            ("rest.cache.checkpoint-statistics.timeout", "500 ms"),
            ("high-availability.type", "kubernetes"),
            (
                "high-availability.kubernetes.leader-election.lease-duration",
                "3 s",
            ),
            (
                "high-availability.kubernetes.leader-election.renew-deadline",
                "2 s",
            ),
            (
                "high-availability.kubernetes.leader-election.retry-period",
                "500 ms",
            ),
            ("jobmanager.rpc.address", "localhost"),
            ("jobmanager.bind-host", "localhost"),
            ("blob.server.port", "0"),
            ("rest.address", "127.0.0.1"),
            ("rest.bind-address", "127.0.0.1"),
            ("taskmanager.host", "127.0.0.1"),
            ("taskmanager.bind-host", "127.0.0.1"),
            // Flink's start scripts work these out from one total; without the scripts each must be given.
            ("taskmanager.cpu.cores", "2"),
            ("taskmanager.memory.framework.heap.size", "64m"),
            ("taskmanager.memory.framework.off-heap.size", "64m"),
            ("taskmanager.memory.task.heap.size", "128m"),
            ("taskmanager.memory.task.off-heap.size", "0m"),
            ("taskmanager.memory.network.min", "16m"),
            ("taskmanager.memory.network.max", "16m"),
            ("taskmanager.memory.managed.size", "64m"),
            ("taskmanager.memory.jvm-metaspace.size", "128m"),
            ("taskmanager.memory.jvm-overhead.min", "64m"),
            ("taskmanager.memory.jvm-overhead.max", "64m"),
        ];
        Self(
            defaults
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Gives the path of the file.
    pub(super) fn write(
        &self,
        directory: &Path,
        version: FlinkVersion,
    ) -> Result<PathBuf, FlinkError> {
        let path = directory.join(file_name(version));
        let lines = self
            .0
            .iter()
            .map(|(key, value)| line(key, value, version))
            .collect::<Vec<_>>();
        fs::create_dir_all(directory).map_err(FlinkError::io("create", directory))?;
        fs::write(&path, lines.join("\n")).map_err(FlinkError::io("write", &path))?;
        Ok(path)
    }
}

/// `config.yaml` came with 1.19.
fn file_name(version: FlinkVersion) -> &'static str {
    match version {
        FlinkVersion::V1_18 => "flink-conf.yaml",
        FlinkVersion::V1_20 | FlinkVersion::V2_1 | FlinkVersion::V2_3 => "config.yaml",
    }
}

fn line(key: &str, value: &str, version: FlinkVersion) -> String {
    match version {
        // Not YAML whatever its name says: quotes would be part of the value.
        FlinkVersion::V1_18 => format!("{}: {value}", before_1_19(key)),
        FlinkVersion::V1_20 | FlinkVersion::V2_1 | FlinkVersion::V2_3 => {
            format!("{key}: '{}'", value.replace('\'', "''"))
        }
    }
}

/// As `CheckpointingOptions`, `RestartStrategyOptions`, `StateChangelogOptions` and `SavepointConfigOptions` of 1.18
/// spell it.
fn before_1_19(key: &str) -> String {
    match key {
        "execution.checkpointing.dir" => "state.checkpoints.dir".to_owned(),
        "execution.checkpointing.savepoint-dir" => "state.savepoints.dir".to_owned(),
        "execution.checkpointing.incremental" => "state.backend.incremental".to_owned(),
        "execution.checkpointing.num-retained" => "state.checkpoints.num-retained".to_owned(),
        "restart-strategy.type" => "restart-strategy".to_owned(),
        "execution.state-recovery.path" => "execution.savepoint.path".to_owned(),
        "execution.state-recovery.claim-mode" => "execution.savepoint-restore-mode".to_owned(),
        "state.changelog.dstl.dfs.base-path" => "dstl.dfs.base-path".to_owned(),
        _ => key.replace("state.changelog.", "state.backend.changelog."),
    }
}
