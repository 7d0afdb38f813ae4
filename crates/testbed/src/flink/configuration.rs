use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::FlinkError;

/// Flink's configuration, written as `config.yaml` with one quoted line per key: Flink 1.20 and 2.x read that alike.
#[derive(Debug, Clone)]
pub(super) struct Configuration(BTreeMap<String, String>);

impl Configuration {
    /// Small, quick, on loopback only, with ports that the system picks. Times are short so that a killed `JobManager`
    /// is replaced within seconds; everything about what is written and deleted is Flink's default.
    pub(super) fn small() -> Self {
        let defaults = [
            ("parallelism.default", "2"),
            ("taskmanager.numberOfTaskSlots", "2"),
            ("state.backend.type", "rocksdb"),
            ("execution.checkpointing.incremental", "true"),
            ("execution.checkpointing.interval", "1 s"),
            ("execution.checkpointing.num-retained", "2"),
            (
                "execution.checkpointing.externalized-checkpoint-retention",
                "RETAIN_ON_CANCELLATION",
            ),
            ("restart-strategy.type", "fixed-delay"),
            ("restart-strategy.fixed-delay.attempts", "1000"),
            ("restart-strategy.fixed-delay.delay", "500 ms"),
            ("heartbeat.interval", "1 s"),
            ("heartbeat.timeout", "10 s"),
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
            ("jobmanager.rpc.port", "0"),
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

    pub(super) fn write(&self, directory: &Path) -> Result<(), FlinkError> {
        let lines = self.0.iter().map(|(key, value)| {
            let value = value.replace('\'', "''");
            format!("{key}: '{value}'")
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let path = directory.join("config.yaml");
        fs::create_dir_all(directory).map_err(FlinkError::io("create", directory))?;
        fs::write(&path, text).map_err(FlinkError::io("write", &path))
    }
}
