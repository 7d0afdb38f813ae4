#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::http::{BODY_LIMIT, IDLE};
use super::*;
use crate::engine::SystemClock;
use crate::observe::fake_server::{Answer, FakeServer};
use retention::evidence::StateBackend;
use rstest::rstest;

mod hostile;
mod tls;

fn security() -> RestSecurity {
    RestSecurity::new(None, &[]).unwrap()
}

fn address() -> ClusterAddress {
    ClusterAddress {
        cluster: "orders".to_owned(),
        namespace: "flink".to_owned(),
        port: 8081,
        tls: false,
    }
}

const JOB: &str = "00000000000000000000000000000abc";

fn captured(name: &str) -> String {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rest");
    std::fs::read_to_string(format!("{directory}/2.1.0/{name}.json")).unwrap()
}

fn path(rest: &str) -> String {
    format!("/jobs/{JOB}{rest}")
}

fn running() -> Vec<(String, Answer)> {
    vec![
        (path(""), Answer::ok(captured("job"))),
        (path("/checkpoints"), Answer::ok(captured("checkpoints"))),
        (
            path("/checkpoints/config"),
            Answer::ok(captured("checkpoints-config")),
        ),
    ]
}

async fn ask(answers: Vec<(String, Answer)>) -> JobManager {
    let server = FakeServer::start(answers).await;
    let template = server.url().parse().unwrap();
    let client = RestClient::new(template, security(), Arc::new(SystemClock));
    client
        .ask(&address(), JOB.parse().unwrap(), &Origin::default())
        .await
}

fn why(answer: JobManager) -> String {
    match answer {
        JobManager::Unreachable { why } => why,
        other => panic!("{other:?}"),
    }
}

fn with(path_of: &str, answer: Answer) -> Vec<(String, Answer)> {
    let mut answers = running();
    answers.retain(|(path, _)| path != path_of);
    answers.push((path_of.to_owned(), answer));
    answers
}

/// Thousands of clusters are asked; none of them costs anything between two looks.
#[tokio::test]
async fn the_questions_about_a_job_share_one_connection_that_ends_with_them() {
    let server = FakeServer::start(running()).await;
    let template = server.url().parse().unwrap();
    let client = RestClient::new(template, security(), Arc::new(SystemClock));
    let answer = client
        .ask(&address(), JOB.parse().unwrap(), &Origin::default())
        .await;
    assert!(matches!(answer, JobManager::Answered(_)), "{answer:?}");
    let ended = tokio::time::timeout(IDLE / 2, server.connections());
    assert_eq!(ended.await, Ok(1), "{:?}", server.asked());
}

#[tokio::test]
async fn a_running_job_is_told() {
    match ask(running()).await {
        JobManager::Answered(rest) => {
            assert_eq!(rest.state, "RUNNING");
            assert!(rest.latest_completed().is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_without_checkpointing_is_not_a_job_that_is_missing() {
    let says = r#"{"errors":["Checkpointing has not been enabled."]}"#;
    let crashed = Answer::status(500, says.to_owned());
    assert!(why(ask(with(&path("/checkpoints"), crashed)).await).contains("500"));
    let none = Answer::status(404, says.to_owned());
    match ask(with(&path("/checkpoints"), none.clone())).await {
        JobManager::Answered(rest) => assert_eq!(rest.backend, StateBackend::NoCheckpoints),
        other => panic!("{other:?}"),
    }
    assert!(why(ask(with(&path(""), none)).await).contains("404"));
}

#[tokio::test]
async fn an_error_says_what_the_job_manager_says() {
    let answer = Answer::status(500, captured("error-500"));
    let why = why(ask(with(&path("/checkpoints"), answer)).await);
    assert!(
        why.contains("500") && why.contains("UnavailableDispatcherOperationException"),
        "{why}"
    );
    assert!(!why.contains('\n'), "{why}");
}

#[rstest]
#[case::redirect(Answer::status(302, String::new()), "302")]
#[case::not_json(Answer::ok("<html>".to_owned()), "cannot be understood")]
#[case::too_long(Answer::ok(" ".repeat(BODY_LIMIT + 1)), "length limit")]
#[case::no_content(Answer::status(204, String::new()), "204")]
#[tokio::test]
async fn anything_else_is_no_answer(#[case] answer: Answer, #[case] says: &str) {
    let why = why(ask(with(&path(""), answer)).await);
    assert!(why.contains(says), "{why}");
}

#[tokio::test]
async fn an_answer_about_another_job_is_none() {
    let other = captured("job").replace(JOB, "00000000000000000000000000000def");
    let why = why(ask(with(&path(""), Answer::ok(other))).await);
    assert!(why.contains("0def"), "{why}");
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let client = RestClient::new(
        "http://127.0.0.1:1".parse().unwrap(),
        security(),
        Arc::new(SystemClock),
    );
    let address = ClusterAddress {
        cluster: String::new(),
        namespace: String::new(),
        port: 1,
        tls: false,
    };
    let answer = client
        .ask(&address, JOB.parse().unwrap(), &Origin::default())
        .await;
    assert!(why(answer).contains("refused"));
}

#[rstest]
#[case(
    "http://{cluster}-rest.{namespace}:{port}/",
    "http://orders-rest.flink:8081"
)]
#[case("http://127.0.0.1:18081", "http://127.0.0.1:18081")]
#[case("http://gateway/{namespace}/{cluster}", "http://gateway/flink/orders")]
#[case("{scheme}://{cluster}-rest.{namespace}", "http://orders-rest.flink")]
#[case("https://{cluster}", "https://orders")]
fn a_template_becomes_an_address(#[case] template: &str, #[case] expected: &str) {
    let template: UrlTemplate = template.parse().unwrap();
    let address = ClusterAddress {
        cluster: "orders".to_owned(),
        namespace: "flink".to_owned(),
        port: 8081,
        tls: false,
    };
    assert_eq!(template.of(&address), expected);
}

#[rstest]
#[case("")]
#[case("{cluster}-rest:8081")]
#[case("http://{name}:8081")]
#[case("https://user:password@{cluster}")]
#[case("ftp://x")]
fn a_template_that_is_no_address_is_refused(#[case] template: &str) {
    assert!(template.parse::<UrlTemplate>().is_err());
}
