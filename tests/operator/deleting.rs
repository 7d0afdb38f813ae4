//! A run that is deleting at this moment.

use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};
use crate::volume::{BASE, Volume, mark, slow_down};

pub(crate) const LEDGER: &str = "000000000000000000000000000ced9e";
/// Ripe orphans of a finished job, and a run that deletes them.
pub(crate) struct Deleting {
    pub(crate) cluster: Cluster,
    pub(crate) volume: Volume,
    pub(crate) operator: OperatorProcess,
    pub(crate) before: Tree,
    pub(crate) orphans: Vec<String>,
}

impl Deleting {
    /// Everything is marked and ripe, and will go slowly.
    pub(crate) fn prepare(orphans: u64) -> Self {
        Self::prepare_with(orphans, Vec::new())
    }

    /// The same with more arguments of the operator.
    pub(crate) fn prepare_with(orphans: u64, arguments: Vec<String>) -> Self {
        let (cluster, volume) = (Cluster::start(), Volume::new());
        volume.checkpoint(LEDGER, 3);
        let orphans = volume.orphans(LEDGER, orphans);
        FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
        let before = volume.tree();
        let mut options = volume.options("first");
        options.arguments.extend(arguments);
        let operator = OperatorProcess::start(&cluster, options);
        cluster.wait(
            "ckinv/ledger.flinkdeployment",
            "jsonpath={.status.ownerClass}=terminal",
        );
        mark(&cluster, "payments");
        slow_down(&cluster, "payments");
        volume.tree().assert_is(&before);
        Self {
            cluster,
            volume,
            operator,
            before,
            orphans,
        }
    }

    /// Returns when the first file is gone.
    pub(crate) fn begin(self) -> Self {
        self.cluster.create_run("cut", "payments", "Enforce");
        self.volume.wait_until_one_is_gone(&self.orphans);
        self
    }
}
