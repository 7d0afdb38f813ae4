//! Whoever listens where a `JobManager` should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is said again and again to whoever asks, until nobody listens.
#[derive(Clone)]
struct Says {
    first: &'static str,
    then: &'static str,
    every: Duration,
}

async fn listen(says: Says) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(stream, says.clone()));
        }
    });
    url
}

async fn talk(mut stream: TcpStream, says: Says) {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).await;
    let mut told = stream.write_all(says.first.as_bytes()).await;
    while told.is_ok() && !says.then.is_empty() {
        if !says.every.is_zero() {
            tokio::time::sleep(says.every).await;
        }
        told = stream.write_all(says.then.as_bytes()).await;
    }
    if says.first.is_empty() {
        std::future::pending::<()>().await;
    }
}

/// What is said of somebody who never comes to an end.
const SLOW: &str = "no answer within";
/// For his answer, where one is expected to be slow.
const SHORT: Duration = Duration::from_millis(700);

async fn ask_at(url: &str, patience: Duration) -> JobManager {
    let mut client = RestClient::new(url.parse().unwrap(), security(), Arc::new(SystemClock));
    client.http.timeout = patience;
    client
        .ask(&address(), JOB.parse().unwrap(), &Origin::default())
        .await
}

/// Much at a time, so that the limit is reached before the patience ends on a busy machine too.
const SPACES: &str = match std::str::from_utf8(&[b' '; 64 * 1024]) {
    Ok(spaces) => spaces,
    Err(_) => panic!("spaces are text"),
};
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";

#[rstest]
#[case::nothing("", "", 0, SLOW)]
#[case::a_body_without_end(OK, SPACES, 0, "length limit")]
#[case::a_body_byte_by_byte(OK, " ", 50, SLOW)]
#[case::a_head_without_end("HTTP/1.1 200 OK\r\n", "x-more: and more and more and more\r\n", 0, "")]
#[case::a_head_byte_by_byte("HTTP/1.1 200 OK\r\n", "x", 50, SLOW)]
#[case::something_else("SSH-2.0-OpenSSH_9.2\r\n", "", 0, "")]
#[case::less_than_it_said("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "", 0, "")]
#[case::a_page(
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 22\r\n\r\n<html>Sign in!</html>\n",
    "",
    0,
    "cannot be understood"
)]
#[case::packed(
    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n\r\n\x1f\x08aaaaaaaa",
    "",
    0,
    "cannot be understood"
)]
#[tokio::test]
async fn is_no_answer(
    #[case] first: &'static str,
    #[case] then: &'static str,
    #[case] every: u64,
    #[case] says: &str,
) {
    let every = Duration::from_millis(every);
    let url = listen(Says { first, then, every }).await;
    // Nobody else is given up for want of time, however busy the machine is.
    let is_slow = says == SLOW;
    let patience = if is_slow { SHORT } else { PATIENCE };
    let why = why(ask_at(&url, patience).await);
    assert!(why.contains(says) && why.contains("127.0.0.1"), "{why}");
    assert_eq!(why.contains(" within "), is_slow, "{why}");
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let other = FakeServer::start(running()).await;
    let there = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}{}\r\ncontent-length: 0\r\n\r\n",
        other.url(),
        path("")
    );
    let first: &'static str = Box::leak(there.into_boxed_str());
    let says = Says {
        first,
        then: "",
        every: Duration::ZERO,
    };
    let why = why(ask_at(&listen(says).await, PATIENCE).await);
    assert!(why.contains("302"), "{why}");
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_says_is_short_and_printable_in_ours() {
    let state = format!(
        r#"{{"jid":"{JOB}","state":"{}"}}"#,
        "RUNNING".repeat(100_000)
    );
    let told = why(ask(with(&path(""), Answer::ok(state))).await);
    assert!(told.len() < 600, "{}", told.len());
    let errors = format!(
        r#"{{"errors":["\u001b[2Jcleared {}"]}}"#,
        "x".repeat(100_000)
    );
    let told = why(ask(with(&path(""), Answer::status(500, errors))).await);
    assert!(told.len() < 600 && !told.contains('\u{1b}'), "{told}");
}

/// A job with high availability does not need it.
#[tokio::test]
async fn a_configuration_that_is_not_told_is_told_as_such() {
    let config = "/jobmanager/config";
    for answer in [
        Answer::status(404, String::new()),
        Answer::ok("{}".to_owned()),
    ] {
        match ask(with(config, answer)).await {
            JobManager::Answered(rest) => assert!(rest.cluster.is_err()),
            other => panic!("{other:?}"),
        }
    }
    match ask(with(config, Answer::ok(captured("jobmanager-config")))).await {
        JobManager::Answered(rest) => assert!(rest.cluster.is_ok()),
        other => panic!("{other:?}"),
    }
}
