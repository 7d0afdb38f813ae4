//! A real Prometheus scrapes the operator as the chart has it scraped, and the chart's alerts fire.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::process::Process;
use testbed::tools;

use crate::support::cluster::RELEASE_NAMESPACE;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, until};

const LEDGER: &str = "000000000000000000000000000ced9e";
const ORDERS: &str = "0000000000000000000000000000000d";
const JOB: &str = "test-flink-retention-operator-metrics";

struct Prometheus {
    _process: Process,
    url: String,
    _directory: TempDir,
}

impl Prometheus {
    /// Scrapes every second and fires at once what the chart would wait for.
    fn start(cluster: &Cluster, target: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rendered = |values: &Value| {
            let mut all = json!({"enabled": true});
            all.as_object_mut()
                .unwrap()
                .extend(values.as_object().unwrap().clone());
            let values = json!({"prometheusRule": all, "serviceMonitor": {"enabled": true}});
            cluster.render(&values).one("PrometheusRule")["spec"].clone()
        };
        let names = rendered(&json!({}))["groups"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap().clone())
            .map(|rule| {
                (
                    rule["alert"].as_str().unwrap().to_owned(),
                    json!({"for": "0s"}),
                )
            })
            .collect::<BTreeMap<String, Value>>();
        let rules = directory.path().join("rules.json");
        std::fs::write(&rules, rendered(&json!({"alerts": names})).to_string()).unwrap();
        let configuration = directory.path().join("prometheus.yml");
        let content = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules],
            "scrape_configs": [{
                "job_name": JOB,
                "honor_labels": true,
                "static_configs": [{"targets": [target], "labels": {"namespace": RELEASE_NAMESPACE, "pod": "operator-0"}}],
            }],
        });
        std::fs::write(&configuration, content.to_string()).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let mut command = Command::new(tools::prometheus().unwrap());
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"));
        let log = directory.path().join("log");
        let process = Process::spawn("prometheus", &mut command, &log).unwrap();
        Self {
            _process: process,
            url: format!("http://{address}"),
            _directory: directory,
        }
    }

    /// What fires, by name.
    fn firing(&self) -> Option<BTreeMap<String, Value>> {
        let mut response = ureq::get(format!("{}/api/v1/alerts", self.url))
            .call()
            .ok()?;
        let answer = response.body_mut().read_to_string().ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        let alerts = answer["data"]["alerts"].as_array()?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
        Some(firing.map(|alert| (name(alert), alert.clone())).collect())
    }

    fn wait_until_fires(&self, wanted: &[&str]) -> BTreeMap<String, Value> {
        until("alerts to fire", || {
            let firing = self.firing()?;
            wanted
                .iter()
                .all(|name| firing.contains_key(*name))
                .then_some(firing)
        })
    }
}

#[test]
fn a_real_prometheus_fires_the_alerts_of_the_chart() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    for (name, id) in [("ledger", LEDGER), ("orders", ORDERS)] {
        volume.checkpoint(id, 3);
        FlinkJob::finished(name, id, BASE).apply(&cluster);
    }
    // What the newest snapshot of one of them names is gone.
    std::fs::remove_dir_all(volume.path(&format!("{LEDGER}/shared"))).unwrap();
    let mut operator = OperatorProcess::start(&cluster, volume.options("operator"));
    operator.wait_until_leading();
    let prometheus = Prometheus::start(&cluster, operator.address());

    cluster.apply_policy("one", &json!({}));
    cluster.run("looks", "one", "DryRun");
    cluster.apply_policy("two", &json!({"additionalRoots": ["file:/elsewhere"]}));
    operator.set_administrator(&json!({"version": "nonsense"}));
    let wanted = [
        "FlinkJobNotRestorable",
        "FlinkRetentionPoliciesOverlap",
        "FlinkRetentionPolicyNotReady",
        "FlinkRetentionAdministratorFileInvalid",
    ];
    let firing = prometheus.wait_until_fires(&wanted);
    let job = &firing["FlinkJobNotRestorable"];
    assert_eq!(job["labels"]["name"], "ledger", "{job}");
    assert_eq!(
        job["labels"]["namespace"], "flink",
        "of the job, not of the operator: {job}"
    );
    let summary = "FlinkDeployment flink/ledger has no restorable snapshot";
    assert_eq!(job["annotations"]["summary"], summary);
    for alert in firing.values() {
        let text = alert["annotations"].to_string();
        assert!(
            !text.contains("no value") && !text.contains("error"),
            "{alert}"
        );
    }
    for quiet in [
        "FlinkRetentionNoLeader",
        "FlinkRetentionCrdOutdated",
        "FlinkRetentionBaseOwnedByAnother",
    ] {
        assert!(!firing.contains_key(quiet), "{}", firing[quiet]);
    }

    operator.kill();
    prometheus.wait_until_fires(&["FlinkRetentionNoLeader"]);
}
