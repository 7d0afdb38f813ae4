//! What policies say of themselves.

use serde_json::json;

use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};

#[test]
fn policies_say_what_keeps_them_from_working() {
    let cluster = Cluster::start();
    FlinkJob::finished(
        "orders",
        "0000000000000000000000000000000a",
        "s3://state/orders",
    )
    .apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, Options::default());
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );

    // Two policies for one job: both say so, and name the other.
    cluster.apply_policy("one", &json!({"mode": "Enforce"}));
    cluster.apply_policy(
        "two",
        &json!({"mode": "Enforce", "selector": {"matchLabels": {"team": "payments"}}}),
    );
    for (policy, other) in [("one", "two"), ("two", "one")] {
        let found = cluster.wait(&format!("frp/{policy}"), "condition=Overlapping");
        let message = condition(&found, "Overlapping")["message"]
            .as_str()
            .unwrap();
        assert!(
            message.contains(&format!(
                "FlinkDeployment orders (also selected by {other})"
            )),
            "{message}"
        );
        assert_eq!(found["status"]["jobs"]["selected"], 1);
        assert_eq!(condition(&found, "Enforcing")["status"], "False");
    }
    let overlapping = r#"flink_retention_policy_overlapping_jobs{namespace="flink",policy="one"}"#;
    operator.wait_for_metric(overlapping, |jobs| jobs > 0.5);
    cluster.delete("frp/two");
    cluster.wait("frp/one", "condition=Overlapping=False");
    operator.wait_for_metric(overlapping, |jobs| jobs < 0.5);

    // Fields that are not honoured are named, and block runs too.
    cluster.apply_policy("three", &json!({"selector": {"matchLabels": {"team": "none"}}, "additionalRoots": ["file:/elsewhere"]}));
    let three = cluster.wait("frp/three", "condition=Ready=False");
    assert_eq!(condition(&three, "Ready")["reason"], "NotSupportedYet");
    assert!(
        condition(&three, "Ready")["message"]
            .as_str()
            .unwrap()
            .contains("spec.additionalRoots")
    );
    let run = cluster.run("three-by-hand", "three", "DryRun");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    let blocked = r#"flink_retention_policy_blocked{namespace="flink",policy="three",reason="NotSupportedYet"}"#;
    operator.wait_for_metric(blocked, |blocked| blocked > 0.5);
    let ready = r#"flink_retention_policy_ready{namespace="flink",policy="three",reason="NotSupportedYet"}"#;
    operator.wait_for_metric(ready, |ready| ready < 0.5);

    // A run without a policy fails with a sentence.
    let run = cluster.run("lost", "nowhere", "DryRun");
    assert_eq!(run["status"]["phase"], "Failed");
    assert!(
        condition(&run, "Complete")["message"]
            .as_str()
            .unwrap()
            .contains("no RetentionPolicy \"nowhere\"")
    );
}

#[test]
fn a_schedule_makes_runs_that_belong_to_their_policy() {
    let cluster = Cluster::start();
    let _operator = OperatorProcess::start(&cluster, Options::default());
    cluster.apply_policy("often", &json!({"schedule": "* * * * *"}));
    let policy = cluster.wait("frp/often", "jsonpath={.status.lastRun.phase}=Succeeded");
    let name = policy["status"]["lastRun"]["name"].as_str().unwrap();
    let run = cluster.get(&format!("frr/{name}"));
    assert_eq!(run["status"]["trigger"], "Schedule");
    assert_eq!(
        run["metadata"]["labels"]["flink-retention.dev/policy"],
        "often"
    );
    assert_eq!(run["metadata"]["ownerReferences"][0]["name"], "often");
    assert!(policy["status"]["nextRunTime"].is_string());
}
