#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::observe::fake_server::{Answer, FakeServer};
use kube::Config;
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "/apis/flink.apache.org/v1beta1/flinkdeployments";
const FIRST_PAGE: &str = "/apis/flink.apache.org/v1beta1/flinkdeployments?&limit=100";
const INVENTORIES: &str = "/apis/flink-retention.dev/v1alpha1/checkpointinventories";

async fn server(answers: Vec<(&str, Answer)>) -> FakeServer {
    let answers = answers
        .into_iter()
        .map(|(path, answer)| (path.to_owned(), answer))
        .collect();
    FakeServer::start(answers).await
}

fn source(server: &FakeServer, namespaces: Namespaces) -> KubernetesSource {
    let config = Config::new(server.url().parse().unwrap());
    KubernetesSource::new(Client::try_from(config).unwrap(), namespaces)
}

fn object(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "flink"}})
}

fn page(items: &[Value], more: Option<&str>) -> Answer {
    let metadata = json!({"resourceVersion": "7", "continue": more});
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items});
    Answer::ok(list.to_string())
}

fn refusal(code: u16, message: &str) -> Answer {
    let reason = if code == 404 { "NotFound" } else { "Other" };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "message": message, "reason": reason,
    });
    Answer::status(code, status.to_string())
}

/// The core lists, empty; anything else is 404.
fn bare() -> Vec<(&'static str, Answer)> {
    vec![
        (INVENTORIES, page(&[], None)),
        ("/api/v1/configmaps", page(&[], None)),
        (
            "/api/v1/namespaces/flink",
            Answer::ok(object("flink").to_string()),
        ),
    ]
}

async fn resources(extra: Vec<(&str, Answer)>) -> (Resources, Vec<String>) {
    let mut answers = extra;
    answers.extend(bare());
    let server = server(answers).await;
    let found = source(&server, Namespaces::All).resources().await;
    (found, server.asked())
}

#[tokio::test]
async fn kinds_that_are_not_installed_are_absent() {
    let (found, _) = resources(Vec::new()).await;
    assert!(found.flink.is_empty());
    assert_eq!(found.unread, []);
}

#[tokio::test]
async fn our_own_kind_must_be_installed() {
    let (found, _) = resources(vec![(INVENTORIES, refusal(404, "page not found"))]).await;
    assert_eq!(found.unread.len(), 1);
    assert!(
        found.unread[0].why.contains("flink-retention crds"),
        "{found:?}"
    );
    assert_eq!(found.unread[0].namespace, None);
}

#[tokio::test]
async fn every_page_is_read_and_none_from_a_cache() {
    let second = format!("{FIRST_PAGE}&continue=more");
    let (found, asked) = resources(vec![
        (FIRST_PAGE, page(&[object("a")], Some("more"))),
        (&second, page(&[object("b")], None)),
    ])
    .await;
    let names: Vec<String> = found
        .flink
        .iter()
        .map(|object| object.name.name.clone())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(
        !asked.iter().any(|asked| asked.contains("resourceVersion")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_list_that_fails_on_a_later_page_is_no_list() {
    for code in [404, 500] {
        let second = format!("{FIRST_PAGE}&continue=more");
        let (found, _) = resources(vec![
            (FIRST_PAGE, page(&[object("a")], Some("more"))),
            (&second, refusal(code, "etcd is down")),
        ])
        .await;
        assert!(found.flink.is_empty(), "{code}");
        assert_eq!(found.unread.len(), 1);
        assert!(
            found.unread[0].why.contains("etcd is down"),
            "{:?}",
            found.unread
        );
    }
}

#[tokio::test]
async fn a_list_that_expires_begins_anew_and_not_for_ever() {
    let second = format!("{FIRST_PAGE}&continue=more");
    let (found, asked) = resources(vec![
        (FIRST_PAGE, page(&[object("a")], Some("more"))),
        (&second, refusal(410, "too old")),
    ])
    .await;
    assert!(found.flink.is_empty());
    assert!(
        found.unread[0].why.contains("too old"),
        "{:?}",
        found.unread
    );
    let first = asked.iter().filter(|asked| *asked == FIRST_PAGE).count();
    assert_eq!(first, ATTEMPTS);
}

#[tokio::test]
async fn a_refused_list_is_told_with_the_sentence_of_the_server() {
    let sentence = "flinkdeployments is forbidden: User x cannot list";
    let (found, _) = resources(vec![(DEPLOYMENTS, refusal(403, sentence))]).await;
    assert_eq!(found.unread.len(), 1);
    assert!(found.unread[0].what.contains("FlinkDeployment"));
    assert!(found.unread[0].why.contains(sentence));
}

#[tokio::test]
async fn only_the_watched_namespaces_are_asked_for() {
    let listed = "/apis/flink.apache.org/v1beta1/namespaces/flink/flinkdeployments";
    let server = server(vec![
        (listed, page(&[object("a")], None)),
        (
            "/apis/flink-retention.dev/v1alpha1/namespaces/flink/checkpointinventories",
            page(&[], None),
        ),
        ("/api/v1/namespaces/flink/configmaps", refusal(403, "no")),
        (
            "/api/v1/namespaces/flink",
            Answer::ok(object("flink").to_string()),
        ),
    ])
    .await;
    let only = Namespaces::Only(BTreeSet::from(["flink".to_owned()]));
    let found = source(&server, only).resources().await;
    assert_eq!(found.flink.len(), 1);
    assert_eq!(found.unread.len(), 1);
    assert_eq!(found.unread[0].namespace.as_deref(), Some("flink"));
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.contains("/namespaces/flink"))
    );
}

#[tokio::test]
async fn the_annotation_of_a_namespace_suspends_and_so_does_not_knowing() {
    let annotated =
        json!({"metadata": {"name": "flink", "annotations": {SUSPEND_ANNOTATION: "true"}}});
    let cases = [
        (
            Answer::ok(annotated.to_string()),
            Some("has the annotation"),
        ),
        (refusal(403, "no"), Some("cannot be read")),
        (Answer::ok(object("flink").to_string()), None),
    ];
    for (answer, expected) in cases {
        let (found, _) = resources(vec![
            (DEPLOYMENTS, page(&[object("a")], None)),
            ("/api/v1/namespaces/flink", answer),
        ])
        .await;
        let why = found.suspended_namespaces.get("flink");
        assert_eq!(why.is_some(), expected.is_some(), "{why:?}");
        assert!(
            why.is_none_or(|why| why.contains(expected.unwrap())),
            "{why:?}"
        );
    }
}

#[tokio::test]
async fn a_config_map_is_there_or_not_or_unknown() {
    let map = json!({"metadata": {"name": "a", "uid": "u"}, "data": {"counter": "7"}});
    let server = server(vec![
        (
            "/api/v1/namespaces/flink/configmaps/a",
            Answer::ok(map.to_string()),
        ),
        (
            "/api/v1/namespaces/flink/configmaps/b",
            refusal(404, "not found"),
        ),
        (
            "/api/v1/namespaces/flink/configmaps/c",
            refusal(403, "forbidden"),
        ),
    ])
    .await;
    let source = source(&server, Namespaces::All);
    let found = source.config_map("flink", "a").await.unwrap().unwrap();
    assert_eq!(
        (found.uid.as_str(), found.data["counter"].as_str()),
        ("u", "7")
    );
    assert_eq!(source.config_map("flink", "b").await.unwrap(), None);
    assert!(source.config_map("flink", "c").await.is_err());
}

#[tokio::test]
async fn pods_and_deployments_are_processes_and_both_must_be_listed() {
    let pod = json!({"metadata": {"name": "orders-1", "labels": {"app": "orders"}}});
    let deployments = "/apis/apps/v1/namespaces/flink/deployments";
    let pods = "/api/v1/namespaces/flink/pods";
    let both = server(vec![
        (deployments, page(&[object("x")], None)),
        (pods, page(&[pod], None)),
    ])
    .await;
    let found = source(&both, Namespaces::All)
        .processes("flink")
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].labels["app"], "orders");
    for missing in [deployments, pods] {
        let other = if missing == pods { deployments } else { pods };
        let one = server(vec![
            (other, page(&[], None)),
            (missing, refusal(403, "no")),
        ])
        .await;
        let found = source(&one, Namespaces::All).processes("flink").await;
        assert!(found.is_err(), "{missing}");
    }
}
