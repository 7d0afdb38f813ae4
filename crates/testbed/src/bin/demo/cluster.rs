//! The API server, and commands that are shown before they run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{env, thread};

use serde_json::Value;
use testbed::control_plane::ControlPlane;
use testbed::{corpus, tools};

use crate::Result;
use crate::jobs::{self, Job, NAMESPACE};
use crate::screen::Screen;
use crate::storage::write;

const FLINK_CRDS: &str = include_str!("../../../../../tests/fixtures/flink-crds.yaml");
/// How long something may take that takes a second.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(100);

/// Runs commands in the directory of the demo, with `kubectl` and `flink-retention` in the path.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) root: PathBuf,
    pub(crate) path: String,
    pub(crate) kubeconfig: PathBuf,
}

impl Shell {
    pub(crate) fn new(root: &Path, kubeconfig: &Path) -> Result<Self> {
        let beside = env::current_exe()?;
        let programs = beside.parent().ok_or("the demo has no directory")?;
        let ours = programs.join("flink-retention");
        if !ours.is_file() {
            return Err(format!(
                "there is no {}; run `make demo`, which builds it first",
                ours.display()
            )
            .into());
        }
        let kubectl = tools::kubectl()?;
        let kubectl = kubectl.parent().ok_or("kubectl has no directory")?;
        let inherited = env::var("PATH").unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            path: format!("{}:{}:{inherited}", kubectl.display(), programs.display()),
            kubeconfig: kubeconfig.to_owned(),
        })
    }

    /// A program of this shell, without the shell.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new("env");
        command.arg(name);
        self.prepared(command)
    }

    /// Shows a command and what it prints; it must succeed.
    pub(crate) fn show(&self, screen: &Screen, line: &str) -> Result<()> {
        screen.command(line)?;
        let output = self.run(line)?;
        screen.output(&String::from_utf8_lossy(&output.stdout))?;
        expect(line, &output)
    }

    /// Runs a command that is not worth showing, and gives its output.
    pub(crate) fn quiet(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        expect(line, &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(crate) fn json(&self, line: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.quiet(line)?)?)
    }

    fn run(&self, line: &str) -> Result<Output> {
        let mut shell = Command::new("sh");
        // Errors belong where they happen.
        shell.args(["-c", &format!("exec 2>&1; {line}")]);
        Ok(self.prepared(shell).output()?)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command
            .current_dir(&self.root)
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.root.join(".kubectl-cache"));
        command
    }
}

fn expect(line: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    Err(format!("`{line}` ended with {}:\n{printed}", output.status).into())
}

/// Asks again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(POLL);
    }
}

/// Flink's kinds with the jobs of the demo, as a Flink Kubernetes operator would have left them, and our own kinds.
pub(crate) fn furnish(cluster: &ControlPlane, shell: &Shell) -> Result<()> {
    cluster.apply(FLINK_CRDS)?;
    shell.quiet("flink-retention crds | kubectl apply --server-side -f -")?;
    cluster.wait_for_definitions()?;
    shell.quiet(&format!(
        "kubectl create namespace {NAMESPACE} && kubectl create namespace flink-retention"
    ))?;
    shell.quiet(&format!(
        "kubectl config set-context --current --namespace {NAMESPACE}"
    ))?;
    cluster.apply(&config_maps()?)?;
    let resources: Vec<String> = jobs::ALL
        .iter()
        .map(|job| job.resource().to_string())
        .collect();
    write(&shell.root.join("jobs.yaml"), &resources.join("\n---\n"))?;
    shell.quiet("kubectl apply -f jobs.yaml")?;
    for job in jobs::ALL {
        let status = if job.name == jobs::CLICKS.name {
            job.status_before(jobs::FORMER_ID_OF_CLICKS)
        } else {
            job.status()
        };
        set_status(shell, &job, &status)?;
    }
    Ok(())
}

/// In place of the Flink Kubernetes operator.
pub(crate) fn set_status(shell: &Shell, job: &Job, status: &Value) -> Result<()> {
    write(&shell.root.join("status.json"), &status.to_string())?;
    shell.quiet(&format!(
        "kubectl patch flinkdeployment {} --subresource=status --type=merge --patch-file=status.json",
        job.name
    ))?;
    Ok(())
}

/// The high-availability `ConfigMap`s that Flink itself wrote, moved to our namespace.
fn config_maps() -> Result<String> {
    let (version, config) = jobs::PAYMENTS.entry;
    let path = corpus::entry(version, config)?.dir.join("configmaps.yaml");
    let recorded =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let of_the_server = ["creationTimestamp:", "resourceVersion:", "uid:"];
    let lines = recorded.lines().filter(|line| {
        !of_the_server
            .iter()
            .any(|field| line.trim_start().starts_with(field))
    });
    Ok(lines
        .map(|line| line.replace("namespace: default", &format!("namespace: {NAMESPACE}")))
        .collect::<Vec<_>>()
        .join("\n"))
}
