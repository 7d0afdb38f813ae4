//! The story, one screen a chapter: what stands where, the command, its output, what that means.

use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::cluster;
use crate::jobs::{self, CARTS, CLICKS, ORDERS, PAYMENTS, STOCK, VOLUME, VOLUME_OF_PAYMENTS};
use crate::operator::{self, ADMINISTRATOR, Operator};
use crate::screen::size;
use crate::stage::Demo;
use crate::storage::{Amount, present, write};

const POLICY: &str = "\
apiVersion: flink-retention.dev/v1alpha1
kind: RetentionPolicy
metadata: {name: shop}
spec:
  selector: {matchLabels: {team: shop}}
  mode: DryRun                                    # the default, too
  checkpoints: {keepLast: 1}                      # of jobs that are over
  orphans: {minAge: 1h, gracePeriod: 2s}          # for this demo; the defaults are 24h and 24h
  storage: {operatorIdentity: {}}
";

/// As in the policy and the administrator's file.
const GRACE: Duration = Duration::from_secs(2);

const METRICS: [&str; 4] = [
    "flink_retention_job_restorable",
    "flink_retention_job_missing_files",
    "flink_retention_deleted",
    "flink_retention_runs_total",
];

impl Demo {
    pub(crate) fn tell(&mut self) -> Result<()> {
        self.jobs_and_their_storage()?;
        self.the_operator_takes_stock()?;
        self.a_policy_looks()?;
        self.why_files_stay()?;
        self.the_policy_enforces()?;
        self.what_went()?;
        self.everything_restores()
    }

    fn jobs_and_their_storage(&mut self) -> Result<()> {
        self.screen
            .chapter("Flink jobs, and what they left on storage")?;
        self.shell
            .show(&self.screen, "kubectl get flinkdeployments")?;
        self.screen.gap()?;
        for (job, amount) in jobs::ALL.iter().zip(&self.before) {
            let unreferenced = self.storage.unreferenced(job);
            let line = format!(
                "{:<9} {}, of which no snapshot names {}   {}",
                job.name,
                amount.text(),
                unreferenced.text(),
                job.story
            );
            self.screen.output(&line)?;
        }
        self.screen.gap()?;
        self.screen.say(
            "Flink never comes back for files that no snapshot names: each killed JobManager, failed checkpoint and \
             cancelled job leaves some. The figures are those of Flink's own classes; now the operator finds them.",
        )?;
        Ok(())
    }

    fn the_operator_takes_stock(&mut self) -> Result<()> {
        self.screen
            .chapter("The operator, before there is any policy")?;
        write(&self.shell.root.join("administrator.yaml"), ADMINISTRATOR)?;
        self.show("cat administrator.yaml")?;
        self.screen
            .command(&format!("{} &", operator::command_line()))?;
        self.operator = Some(Operator::start(&self.shell)?);
        self.until_inventories("an inventory of each job", |inventory| {
            inventory["status"]["conditions"].is_array()
        })?;
        cluster::set_status(&self.shell, &CLICKS, &CLICKS.status())?;
        self.until_inventories("the new job id of clicks", |inventory| {
            inventory["spec"]["jobRef"]["name"] != CLICKS.name
                || inventory["spec"]["lineage"]
                    .as_array()
                    .is_some_and(|lineage| lineage.len() == 2)
        })?;
        self.show("kubectl get ckinv")?;
        self.show(
            r#"kubectl get ckinv clicks.flinkdeployment -o jsonpath='{range .spec.lineage[*]}{.jobId}  first seen {.firstSeen}{"\n"}{end}'"#,
        )?;
        self.screen.gap()?;
        self.screen.say(
            "Each Flink resource has a CheckpointInventory (ckinv) from the first moment: where its state is, and all its \
             job ids. clicks was just upgraded and got a new one; Flink's own resource has forgotten the old one, whose \
             checkpoints it was restored from. No storage has been read yet.",
        )?;
        Ok(())
    }

    fn a_policy_looks(&mut self) -> Result<()> {
        self.screen.chapter("A policy that only looks")?;
        write(&self.shell.root.join("policy.yaml"), POLICY)?;
        self.show("cat policy.yaml")?;
        self.show("kubectl apply -f policy.yaml")?;
        self.quietly_wait("frp/shop", "condition=Ready")?;
        self.run_by_hand("look", "DryRun")?;
        self.until_inventories("what the run has learned", |inventory| {
            inventory["status"]["lastScanTime"].is_string()
        })?;
        self.quietly_wait("frp/shop", "jsonpath={.status.display.reclaimable}")?;
        self.show("kubectl get frp,frr")?;
        self.show("kubectl get ckinv")?;
        self.screen.gap()?;
        self.screen.say(
            "The run has read every _metadata, listed the storage, and deleted nothing. The newest checkpoint of stock \
             cannot be restored: that is a metric and an alert now, not a surprise on the day it is needed.",
        )?;
        Ok(())
    }

    fn why_files_stay(&mut self) -> Result<()> {
        self.screen
            .chapter("The plan: what would go, what stays, and why")?;
        self.show(
            r"kubectl get ckinv -o custom-columns='JOB:.spec.jobRef.name,ORPHANED:.status.storage.orphaned.bytes,PROTECTED:.status.storage.protected.bytes,BY GUARD:.status.protectedBy[*].guard'",
        )?;
        self.show(
            r#"kubectl get ckinv -o jsonpath='{range .items[*]}{.spec.jobRef.name}: {.status.conditions[?(@.type=="Restorable")].message}{"\n"}{end}'"#,
        )?;
        self.screen.gap()?;
        self.screen.say(
            "What is not proven to be garbage is protected by a guard with a name (see docs/guards.md): payments runs, and its \
             JobManager does not answer here; of carts nobody knows what its unreadable _metadata names. The same from a \
             shell, without any cluster:",
        )?;
        self.show(&format!(
            "flink-retention plan {} {} --stopped all --keep-last 1 {}; echo exit code $?",
            ORDERS.checkpoints(),
            CARTS.checkpoints(),
            mount(VOLUME)
        ))?;
        let orphan = self.storage.an_unreferenced(&ORDERS);
        let orphan = orphan.ok_or("the fixtures have no such file")?;
        self.show(&format!(
            "flink-retention explain {orphan} --stopped {} {}",
            ORDERS.id,
            mount(VOLUME)
        ))
    }

    fn the_policy_enforces(&mut self) -> Result<()> {
        self.screen
            .chapter("Enforce: the first run marks, a later one deletes")?;
        self.show(r#"kubectl patch frp shop --type merge -p '{"spec":{"mode":"Enforce"}}'"#)?;
        self.run_by_hand("mark", "Enforce")?;
        let marked = Instant::now();
        self.show("kubectl get frr mark")?;
        self.screen.gap()?;
        self.screen.say(
            "Nothing goes that no earlier run has marked, a grace period ago (here two seconds), and whatever is marked is \
             decided again from fresh evidence before it goes.",
        )?;
        thread::sleep(GRACE.saturating_sub(marked.elapsed()));
        self.run_by_hand("sweep", "Enforce")?;
        self.show("kubectl get frr")
    }

    fn what_went(&mut self) -> Result<()> {
        self.screen.chapter("What went, and what stayed")?;
        let mut gone = Amount::default();
        for (job, before) in jobs::ALL.iter().zip(&self.before) {
            let after = present(&self.shell.root.join(job.checkpoints()))?;
            let went = before.without(after);
            gone = gone.and(went);
            let line = format!(
                "{:<9} {} -> {}   went: {}",
                job.name,
                before.text(),
                after.text(),
                went.text()
            );
            self.screen.output(&line)?;
        }
        self.screen.gap()?;
        self.nothing_needed_is_lost()?;
        if gone == Amount::default() {
            return Err("nothing was deleted".into());
        }
        self.screen.say(&format!(
            "{} files ({}) went. Every file that a kept snapshot names is still there, compared with the lists that Flink's \
             own classes made. What only expired checkpoints named is superfluous from now on: the next runs mark and take it.",
            gone.files,
            size(gone.bytes)
        ))?;
        if let Some(operator) = &self.operator {
            self.screen.command(&format!(
                "curl -s http://{}/metrics | grep -E '{}'",
                operator.address,
                METRICS.join("|")
            ))?;
            self.screen.output(&operator.metrics(&METRICS)?)?;
        }
        Ok(())
    }

    fn everything_restores(&mut self) -> Result<()> {
        self.screen.chapter("Can Flink start from what is left?")?;
        let directories = [ORDERS, CLICKS].map(|job| job.checkpoints()).join(" ");
        self.show(&format!(
            "flink-retention verify {directories} {}",
            mount(VOLUME)
        ))?;
        self.show(&format!(
            "flink-retention verify {} {}",
            PAYMENTS.checkpoints(),
            mount(VOLUME_OF_PAYMENTS)
        ))?;
        let directories = [CARTS, STOCK].map(|job| job.checkpoints()).join(" ");
        let line = format!(
            "flink-retention verify {directories} {}; echo exit code $?",
            mount(VOLUME)
        );
        self.show(&line)?;
        self.screen.gap()?;
        self.screen.say(
            "What could be restored before still can, and -s is what to give to `flink run`; the two that were broken \
             before are exit code 3. That real Flink restores, with the right state, is part of `make test`.",
        )?;
        Ok(())
    }
}

fn mount((remote, local): (&str, &str)) -> String {
    format!("--mount file:{remote}={local}")
}
