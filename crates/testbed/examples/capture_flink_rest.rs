//! Writes what Flink's REST answers to `tests/fixtures/rest/<release>/`, for the tests of the code that reads it.
//!
//! `cargo run -p testbed --example capture_flink_rest`; directories of this machine become `/data/flink` and
//! `/opt/kubernetes`. The answers are otherwise as Flink gave them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use testbed::control_plane::ControlPlane;
use testbed::flink::{
    FlinkCluster, FlinkClusterBuilder, FlinkDistribution, FlinkVersion, SavepointFormat,
};

const LIMIT: Duration = Duration::from_mins(2);
const JOB: &str = "00000000000000000000000000000abc";

/// What is asked of a running job: the file's name and the path.
const QUESTIONS: [(&str, &str); 10] = [
    ("config", "/config"),
    ("overview", "/overview"),
    ("jobs", "/jobs"),
    ("jobs-overview", "/jobs/overview"),
    ("job", "/jobs/JOB"),
    ("job-config", "/jobs/JOB/config"),
    ("job-jobmanager-config", "/jobs/JOB/jobmanager/config"),
    ("jobmanager-config", "/jobmanager/config"),
    ("checkpoints", "/jobs/JOB/checkpoints"),
    ("checkpoints-config", "/jobs/JOB/checkpoints/config"),
];

/// Other settings than the plain ones; of these only the two configurations are kept.
const VARIANTS: [(&str, &[(&str, &str)]); 4] = [
    (
        "concurrent-2",
        &[("execution.checkpointing.max-concurrent-checkpoints", "2")],
    ),
    (
        "file-merging",
        &[("execution.checkpointing.file-merging.enabled", "true")],
    ),
    (
        "hashmap-delete-on-cancellation",
        &[
            ("state.backend.type", "hashmap"),
            (
                "execution.checkpointing.externalized-checkpoint-retention",
                "DELETE_ON_CANCELLATION",
            ),
        ],
    ),
    (
        "full-snapshots",
        &[("execution.checkpointing.incremental", "false")],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    for version in FlinkVersion::ALL {
        let flink = FlinkDistribution::prepare(version)?;
        let target = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/rest")
            .join(version.release());
        fs::create_dir_all(&target)?;
        Capture {
            flink,
            target: &target,
        }
        .all()?;
    }
    Ok(())
}

/// Keeps an answer under a name.
type Write<'a> = dyn Fn(&str, &str) -> Result<(), Box<dyn Error>> + 'a;

fn restart_and_ask(cluster: &mut FlinkCluster, write: &Write) -> Result<(), Box<dyn Error>> {
    cluster.wait_for_checkpoint(3, LIMIT)?;
    cluster.restart_job_manager()?;
    // While the next JobManager starts, each kind of answer that is not the job's is worth having once.
    let mut errors = BTreeMap::new();
    let restored = cluster.wait_for("the restored job", LIMIT, |cluster| {
        for _ in 0..20 {
            let (status, body) = cluster
                .rest()
                .get_raw(&format!("/jobs/{JOB}/checkpoints"))?;
            if status == 200 {
                return Ok(Some(body));
            }
            errors.insert(status, body);
            thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    })?;
    write("checkpoints-just-restored", &restored)?;
    for (status, body) in &errors {
        write(&format!("error-{status}"), body)?;
    }
    cluster.wait_for_checkpoint(12, LIMIT)?;
    for (name, path) in QUESTIONS {
        write(name, &cluster.rest().get_raw(&path.replace("JOB", JOB))?.1)?;
    }
    let savepoints = format!(
        "file://{}",
        cluster
            .checkpoints_directory()
            .with_file_name("savepoints")
            .display()
    );
    cluster.savepoint(&savepoints, SavepointFormat::Canonical, LIMIT)?;
    let reported = cluster.wait_for("the savepoint in the statistics", LIMIT, |cluster| {
        let (_, body) = cluster
            .rest()
            .get_raw(&format!("/jobs/{JOB}/checkpoints"))?;
        Ok(body.contains("\"is_savepoint\":true").then_some(body))
    })?;
    write("checkpoints-with-savepoint", &reported)
}

struct Capture<'a> {
    flink: FlinkDistribution,
    target: &'a Path,
}

impl Capture<'_> {
    fn all(&self) -> Result<(), Box<dyn Error>> {
        self.with_cluster("", |builder| builder, restart_and_ask)?;
        for (variant, settings) in VARIANTS {
            let configure = |builder: FlinkClusterBuilder| {
                settings.iter().fold(builder, |builder, (key, value)| {
                    builder.configure(key, value)
                })
            };
            self.with_cluster(variant, configure, |cluster, write| {
                cluster.wait_for_checkpoint(2, LIMIT)?;
                for (name, path) in QUESTIONS {
                    if name == "checkpoints-config" || name == "jobmanager-config" {
                        let (_, body) = cluster.rest().get_raw(&path.replace("JOB", JOB))?;
                        write(&format!("{name}-{variant}"), &body)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn with_cluster(
        &self,
        variant: &str,
        configure: impl FnOnce(FlinkClusterBuilder) -> FlinkClusterBuilder,
        capture: impl FnOnce(&mut FlinkCluster, &Write) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        eprintln!("Flink {} {variant}", self.flink.version().release());
        let control_plane = ControlPlane::start()?;
        let directory = tempfile::tempdir()?;
        let kubeconfig = control_plane.kubeconfig_for_admin();
        let builder = FlinkCluster::builder(&self.flink, &kubeconfig, directory.path()).job_id(JOB);
        let mut cluster = configure(builder).start()?;
        let rewrite = [
            (directory.path().display().to_string(), "/data/flink"),
            (
                control_plane.root().display().to_string(),
                "/opt/kubernetes",
            ),
        ];
        capture(&mut cluster, &|name, body| {
            let body = rewrite
                .iter()
                .fold(body.to_owned(), |body, (from, to)| body.replace(from, to));
            Ok(fs::write(
                self.target.join(format!("{name}.json")),
                body + "\n",
            )?)
        })
    }
}
