//! The Flink jobs of the demo: what real Flink left behind, and the resources that a Flink operator would show.

use std::path::Path;

use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "flink";

/// Where the volume with most jobs is in Flink's pods, and in this directory.
pub(crate) const VOLUME: (&str, &str) = ("/data/flink/ckpt", "volume");
/// The same for the job with high availability, which was recorded elsewhere.
pub(crate) const VOLUME_OF_PAYMENTS: (&str, &str) = ("/flink1", "volume-of-payments");

/// One job, as a corpus entry recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) entry: (&'static str, &'static str),
    pub(crate) id: &'static str,
    state: &'static str,
    lifecycle: &'static str,
    high_availability: bool,
    pub(crate) story: &'static str,
}

pub(crate) const ORDERS: Job = Job {
    name: "orders",
    entry: ("2.3.0", "rocksdb-incremental"),
    id: "e33771b473a0b5535570e12532237ddb",
    state: "CANCELED",
    lifecycle: "STABLE",
    high_availability: false,
    story: "cancelled; RocksDB uploads were under way",
};

pub(crate) const CLICKS: Job = Job {
    name: "clicks",
    entry: ("2.3.0", "declined-leak"),
    id: "c497f5ba3dbf6b5a4c8c4ff8db58079b",
    state: "FAILED",
    lifecycle: "FAILED",
    high_availability: false,
    story: "restored, then each checkpoint was declined",
};

pub(crate) const CARTS: Job = Job {
    name: "carts",
    entry: ("2.3.0", "expired"),
    id: "9148817f6730d71f45850dec28da312a",
    state: "CANCELED",
    lifecycle: "STABLE",
    high_availability: false,
    story: "its newest _metadata is of a version not known yet",
};

pub(crate) const STOCK: Job = Job {
    name: "stock",
    entry: ("2.3.0", "hashmap-files"),
    id: "a42d24ad245c703f99b519c338565016",
    state: "CANCELED",
    lifecycle: "STABLE",
    high_availability: false,
    story: "a bucket rule took a file that was old enough",
};

pub(crate) const PAYMENTS: Job = Job {
    name: "payments",
    entry: ("2.1.3", "kubernetes-ha-failover"),
    id: "00000000000000000000000000000abc",
    state: "RUNNING",
    lifecycle: "STABLE",
    high_availability: true,
    story: "running; its JobManager was killed four times",
};

pub(crate) const ALL: [Job; 5] = [ORDERS, CLICKS, CARTS, STOCK, PAYMENTS];

/// The id of `clicks` before it was upgraded.
pub(crate) const FORMER_ID_OF_CLICKS: &str = "6e6effac089a085f6cac787beb4e23fe";
/// A file of the newest checkpoint of `stock`, which is taken away.
pub(crate) const TAKEN_FROM_STOCK: &str = "chk-4/063d3a40-a88d-4ac8-8e05-1edacc0a37d5";
/// The newest metadata of `carts`, which gets the version of a Flink that does not exist yet.
pub(crate) const METADATA_OF_CARTS: &str = "chk-8/_metadata";

impl Job {
    fn volume(&self) -> (&'static str, &'static str) {
        if self.high_availability {
            VOLUME_OF_PAYMENTS
        } else {
            VOLUME
        }
    }

    /// Where its recorded directory goes, relative to the directory of the demo.
    pub(crate) fn tree(&self) -> String {
        let (_, local) = self.volume();
        if self.high_availability {
            format!("{local}/tree")
        } else {
            let (version, config) = self.entry;
            format!("{local}/{version}/{config}/tree")
        }
    }

    /// Its checkpoint directory here.
    pub(crate) fn checkpoints(&self) -> String {
        format!("{}/ckp", self.tree())
    }

    /// The directory of the job in it.
    pub(crate) fn directory(&self) -> String {
        format!("{}/{}", self.checkpoints(), self.id)
    }

    /// Its checkpoint directory as Flink's configuration names it.
    fn checkpoints_of_flink(&self) -> String {
        let (remote, local) = self.volume();
        let below = self.checkpoints();
        let below = Path::new(&below)
            .strip_prefix(local)
            .unwrap_or(Path::new(""));
        format!("file://{remote}/{}", below.display())
    }

    fn configuration(&self) -> Value {
        let mut configuration = json!({
            "state.backend": "rocksdb",
            "state.backend.incremental": "true",
            "state.checkpoints.dir": self.checkpoints_of_flink(),
        });
        if self.high_availability {
            let (remote, _) = self.volume();
            configuration["high-availability.type"] = json!("kubernetes");
            configuration["high-availability.storageDir"] =
                json!(format!("file://{remote}/tree/ha"));
        }
        configuration
    }

    fn spec(&self) -> Value {
        json!({
            "flinkVersion": format!("v{}", version_words(self.entry.0)),
            "flinkConfiguration": self.configuration(),
            "job": {"jarURI": "local:///opt/flink/usrlib/job.jar", "state": "running", "upgradeMode": "last-state"},
        })
    }

    /// What a person applies.
    pub(crate) fn resource(&self) -> Value {
        json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": self.name, "namespace": NAMESPACE, "labels": {"team": "shop"}},
            "spec": self.spec(),
        })
    }

    /// What the Flink Kubernetes operator would have written; it is not here.
    pub(crate) fn status(&self) -> Value {
        self.status_with(self.id, self.state, self.lifecycle)
    }

    /// What it would have written while the job ran under an earlier id.
    pub(crate) fn status_before(&self, job_id: &str) -> Value {
        self.status_with(job_id, "RUNNING", "STABLE")
    }

    fn status_with(&self, job_id: &str, state: &str, lifecycle: &str) -> Value {
        let deployed = json!({"spec": self.spec(), "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1"}});
        json!({"status": {
            "lifecycleState": lifecycle,
            "observedGeneration": 1,
            "jobStatus": {"jobId": job_id, "state": state},
            "reconciliationStatus": {"state": "DEPLOYED", "lastReconciledSpec": deployed.to_string()},
        }})
    }
}

/// `2.3.0` as `2_3`.
fn version_words(version: &str) -> String {
    version.splitn(3, '.').take(2).collect::<Vec<_>>().join("_")
}
