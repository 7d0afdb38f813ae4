//! What stands while the story is told, and what its chapters need.

use std::time::Instant;

use serde_json::Value;
use testbed::control_plane::ControlPlane;
use testbed::scratch::Scratch;

use crate::cluster::{self, PATIENCE, Shell, until};
use crate::jobs::{self, CARTS, CLICKS, Job, ORDERS, PAYMENTS, STOCK};
use crate::operator::{self, Operator};
use crate::screen::Screen;
use crate::storage::{Amount, Storage, present, write};
use crate::{Result, kept};

/// The parts in the order of their end.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) operator: Option<Operator>,
    cluster: ControlPlane,
    pub(crate) shell: Shell,
    pub(crate) storage: Storage,
    pub(crate) before: Vec<Amount>,
    pub(crate) screen: Screen,
    begun: Instant,
    directory: Scratch,
}

impl Demo {
    pub(crate) fn start() -> Result<Self> {
        let (screen, begun) = (Screen::new(), Instant::now());
        screen.say(
            "A Kubernetes API server, five Flink jobs as real Flink left them, and the operator. The _metadata files and \
             ConfigMaps are Flink's own; other state files are empty but of the true size; no Flink process runs.",
        )?;
        let directory = Scratch::new("flink-retention-demo-")?;
        let storage = Storage::unpack(directory.path())?;
        let cluster = ControlPlane::start()?;
        let shell = Shell::new(directory.path(), &cluster.kubeconfig_for_admin())?;
        cluster::furnish(&cluster, &shell)?;
        let root = directory.path();
        let before = jobs::ALL
            .iter()
            .map(|job| present(&root.join(job.checkpoints())))
            .collect::<Result<_>>()?;
        Ok(Self {
            operator: None,
            cluster,
            shell,
            storage,
            before,
            screen,
            begun,
            directory,
        })
    }

    pub(crate) fn end(self) -> Result<()> {
        let Self {
            operator,
            cluster,
            shell,
            storage: _,
            before: _,
            screen,
            begun,
            directory,
        } = self;
        screen.gap()?;
        match operator {
            Some(Operator { process, address }) if kept::wanted() => {
                let cluster = cluster.leave_running();
                let _ = directory.keep();
                kept::explain(&screen, &shell, &cluster, process.leave_running(), &address)
            }
            operator => {
                drop((operator, cluster, directory));
                let seconds = begun.elapsed().as_secs();
                screen.say(&format!("Done in {seconds} s; everything is cleaned up. `KEEP=1 make demo` leaves it running."))?;
                Ok(())
            }
        }
    }

    pub(crate) fn tail_of_operator_log(&self) -> Option<String> {
        operator::tail(&self.shell)
    }

    pub(crate) fn show(&self, line: &str) -> Result<()> {
        self.shell.show(&self.screen, line)
    }

    pub(crate) fn run_by_hand(&self, name: &str, mode: &str) -> Result<()> {
        let run = format!(
            "apiVersion: flink-retention.dev/v1alpha1\nkind: RetentionRun\nmetadata: {{name: {name}}}\nspec: {{policyRef: {{name: shop}}, mode: {mode}}}\n"
        );
        write(&self.shell.root.join(format!("{name}.yaml")), &run)?;
        self.show(&format!(
            "tail -n 1 {name}.yaml; kubectl create -f {name}.yaml"
        ))?;
        self.show(&format!(
            "kubectl wait frr/{name} --for=condition=Complete --timeout={}s",
            PATIENCE.as_secs()
        ))?;
        let status = &self
            .shell
            .json(&format!("kubectl get frr {name} -o json"))?["status"];
        match status["phase"].as_str() {
            Some("Succeeded") => Ok(()),
            _ => Err(format!("the run {name} did not succeed: {status:#}").into()),
        }
    }

    pub(crate) fn quietly_wait(&self, object: &str, what: &str) -> Result<()> {
        self.shell.quiet(&format!(
            "kubectl wait {object} --for='{what}' --timeout={}s",
            PATIENCE.as_secs()
        ))?;
        Ok(())
    }

    pub(crate) fn until_inventories(
        &self,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        until(what, || {
            let found = self.shell.json("kubectl get ckinv -o json")?;
            let inventories = found["items"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            Ok(
                (inventories.len() == jobs::ALL.len() && inventories.iter().all(&wanted))
                    .then_some(()),
            )
        })
    }

    /// By the lists of Flink's own classes: of the jobs with a keep rule the newest checkpoint, of the others all.
    pub(crate) fn nothing_needed_is_lost(&self) -> Result<()> {
        let lost =
            |job: &Job, kept: &dyn Fn(&str) -> bool| self.storage.lost(&self.shell.root, job, kept);
        let mut wrong = lost(&ORDERS, &|metadata| metadata.ends_with("chk-6/_metadata"));
        wrong.extend(lost(&STOCK, &|metadata| {
            metadata.ends_with("chk-3/_metadata")
        }));
        for job in [CLICKS, CARTS, PAYMENTS] {
            wrong.extend(lost(&job, &|_| true));
        }
        match wrong.first() {
            None => Ok(()),
            Some(first) => {
                Err(format!("{} needed files are gone, such as {first}", wrong.len()).into())
            }
        }
    }
}
