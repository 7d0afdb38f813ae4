//! A newcomer with a cluster, Helm and a Flink job, who has the README.

use std::fs;
use std::time::{Duration, Instant};

use super::flink::{self, LEDGER};
use super::shell::until;
use super::stage::Stage;

/// What the README promises.
const COMMANDS: usize = 4;
const TIME: Duration = Duration::from_mins(5);

pub(crate) fn ends_with_a_report(stage: &Stage) {
    stage.namespace("flink");
    flink::start_writer(stage, "flink");
    LEDGER.leave(stage, "flink");
    let before = flink::files(stage, "flink");

    let commands = commands();
    let report = commands
        .iter()
        .position(|line| line.contains(" get "))
        .unwrap();
    assert!(report < COMMANDS, "{commands:#?}");
    let started = Instant::now();
    for line in &commands[..report] {
        stage.run(line);
    }
    let table = until("a report", || {
        let table = stage.run(&commands[report]);
        if table.contains("Succeeded") {
            Ok(table)
        } else {
            Err(table)
        }
    });
    assert!(started.elapsed() < TIME, "{:?}", started.elapsed());
    println!("after {} s:\n{table}", started.elapsed().as_secs());

    stage.run("kubectl -n flink wait frp/all-jobs --for=condition=Ready --timeout=60s");
    let runs = stage.json("kubectl -n flink get frr");
    let run = &runs["items"][0];
    assert_eq!(
        run["status"]["decisions"]["orphan"]["files"], LEDGER.orphans,
        "{run}"
    );
    assert_eq!(flink::files(stage, "flink"), before);
    the_pod_is_restricted(stage);

    // What follows is taken, too.
    for line in &commands[report + 1..] {
        stage.run(line);
    }
    stage.run("kubectl -n flink wait frp/all-jobs --for=condition=Enforcing --timeout=60s");
}

/// The commands from `helm install` on, without what is explained behind them.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, from) = readme.split_once("\nhelm install ").unwrap();
    let (block, _) = from.split_once("\n```").unwrap();
    let lines = format!("helm install {block}");
    let commands = lines.lines().map(|line| {
        let command = line.split_once(" #").map_or(line, |(command, _)| command);
        command.trim().to_owned()
    });
    commands.collect()
}

fn the_pod_is_restricted(stage: &Stage) {
    let pods =
        stage.json("kubectl -n flink get pods -l app.kubernetes.io/name=flink-retention-operator");
    let pod = &pods["items"][0];
    let ready = |condition: &&serde_json::Value| condition["type"] == "Ready";
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    assert_eq!(
        conditions.iter().find(ready).unwrap()["status"],
        "True",
        "{pod}"
    );
    assert_eq!(
        pod["status"]["containerStatuses"][0]["restartCount"], 0,
        "{pod}"
    );
    // It is not only said: the file system refuses what the program could do as this user elsewhere.
    let name = pod["metadata"]["name"].as_str().unwrap();
    let error = stage
        .attempt(&format!(
            "kubectl -n flink exec {name} -- /flink-retention crds --directory /tmp"
        ))
        .unwrap_err();
    assert!(error.contains("Read-only file system"), "{error}");
    let error = stage
        .attempt(&format!("kubectl -n flink exec {name} -- /flink-retention crds --directory /mnt/flink/../../etc/ssl"))
        .unwrap_err();
    assert!(error.contains("Read-only file system"), "{error}");
}
