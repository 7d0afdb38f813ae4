//! Who is not let in, and what is not done.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use storage::memory::MemoryStorage;
use storage::{Key, Storage, StorageError, Version};
use support::{TOKEN, connect, term, worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use wire::{
    Access, DialError, OperatorCertificate, Refused, WireError, accept, dial, trusting_only,
};

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

fn store() -> MemoryStorage {
    let store = MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    store.insert_file(&key("a"), "x");
    store
}

fn version() -> Version {
    Version {
        size: 1,
        modified: Some(Timestamp::UNIX_EPOCH),
        etag: None,
    }
}

/// Every call that changes something.
async fn changes(storage: &dyn Storage) -> Vec<StorageError> {
    vec![
        storage
            .delete_if_unchanged(&key("a"), &version())
            .await
            .unwrap_err(),
        storage.remove_empty_directory(&key("a")).await.unwrap_err(),
        storage
            .put_if_absent(&key("b"), "x".into())
            .await
            .unwrap_err(),
        storage.replace(&key("a"), "y".into()).await.unwrap_err(),
    ]
}

async fn nothing_changes(store: &MemoryStorage, remote: &dyn Storage, why: &str) {
    for error in changes(remote).await {
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.category(), "unavailable");
    }
    assert_eq!(store.files(), [(key("a"), "x".into())]);
    // It can still be looked at.
    assert!(remote.stat(&key("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_worker_that_only_reads_changes_nothing() {
    let store = store();
    let worker = worker(Arc::new(store.clone()), Access::ReadOnly);
    let (connection, _serving) = connect(&worker, Some(term(1))).await;
    let remote = connection.root("volume").unwrap();
    nothing_changes(&store, &remote, "this worker only reads").await;
}

#[tokio::test]
async fn who_has_no_lease_changes_nothing() {
    let store = store();
    let worker = worker(Arc::new(store.clone()), Access::ReadAndDelete);
    let (connection, _serving) = connect(&worker, None).await;
    let remote = connection.root("volume").unwrap();
    nothing_changes(&store, &remote, "nobody holds the lease").await;
}

#[tokio::test]
async fn who_lost_the_lease_changes_nothing_any_more() {
    let store = store();
    let worker = worker(Arc::new(store.clone()), Access::ReadAndDelete);
    let (before, _serving) = connect(&worker, Some(term(1))).await;
    let old = before.root("volume").unwrap();
    old.replace(&key("a"), "x".into()).await.unwrap();
    // The next leader comes while the connection of the old one is still there.
    let (after, _serving) = connect(&worker, Some(term(2))).await;
    nothing_changes(&store, &old, "holder 2 of lease").await;
    let new = after.root("volume").unwrap();
    new.replace(&key("a"), "new".into()).await.unwrap();
}

/// A call that waits on its way, in the buffers of a network that is cut for a while.
#[tokio::test(start_paused = true)]
async fn a_change_that_comes_too_late_is_not_done() {
    let store = store();
    let worker = worker(Arc::new(store.clone()), Access::ReadAndDelete);
    let (worker_end, near) = duplex(64 * 1024);
    let (operator_end, far) = duplex(64 * 1024);
    let serving =
        tokio::spawn(async move { worker.serve(hyper_util::rt::TokioIo::new(worker_end)).await });
    let (mut from_worker, mut to_worker) = tokio::io::split(near);
    let (mut from_operator, mut to_operator) = tokio::io::split(far);
    let holds = Arc::new(tokio::sync::Semaphore::new(1));
    let gate = Arc::clone(&holds);
    tokio::spawn(async move { tokio::io::copy(&mut from_worker, &mut to_operator).await });
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok(read @ 1..) = from_operator.read(&mut buffer).await {
            let _open = gate.acquire().await.unwrap();
            to_worker.write_all(&buffer[..read]).await.unwrap();
        }
    });
    let connection =
        wire::Connection::open(hyper_util::rt::TokioIo::new(operator_end), Some(term(1)))
            .await
            .unwrap();
    let remote = connection.root("volume").unwrap();
    for (held, in_time) in [(9, true), (11, false)] {
        let closed = holds.acquire().await.unwrap();
        let deletion = tokio::spawn({
            let remote = remote.clone();
            async move { remote.delete_if_unchanged(&key("a"), &version()).await }
        });
        tokio::time::sleep(Duration::from_secs(held)).await;
        drop(closed);
        let deletion = deletion.await.unwrap();
        if in_time {
            deletion.unwrap();
            assert!(!store.contains(&key("a")));
            store.insert_file(&key("a"), "x");
        } else {
            let error = deletion.unwrap_err();
            assert!(error.to_string().contains("the permit ran out"), "{error}");
            assert!(store.contains(&key("a")));
        }
    }
    serving.abort();
}

/// How a caller with this token fares.
async fn called(refused: Refused) -> (DialError, WireError) {
    let certificate = OperatorCertificate::new().unwrap();
    let trusted = trusting_only(&certificate.pem).unwrap();
    let (near, far) = duplex(64 * 1024);
    let (dialled, accepted) = tokio::join!(
        dial(near, trusted, TOKEN),
        accept(far, &certificate, |_| async { Err::<(), _>(refused) })
    );
    (dialled.unwrap_err(), accepted.unwrap_err())
}

#[tokio::test]
async fn who_is_not_known_or_not_awaited_stays_outside() {
    for (refused, status) in [
        (Refused::Unauthenticated, "401"),
        (Refused::NotAwaited, "403"),
    ] {
        let (dialled, accepted) = called(refused).await;
        assert!(dialled.to_string().contains(status), "{dialled}");
        assert!(
            !dialled.may_pass() && !dialled.to_string().contains(TOKEN),
            "{dialled}"
        );
        assert!(matches!(accepted, WireError::Refused(_)), "{accepted}");
    }
    let (dialled, _) = called(Refused::Later).await;
    assert!(dialled.may_pass(), "{dialled}");
}

#[tokio::test]
async fn a_worker_shows_its_token_to_its_operator_alone() {
    let (ours, other) = (
        OperatorCertificate::new().unwrap(),
        OperatorCertificate::new().unwrap(),
    );
    let (near, far) = duplex(64 * 1024);
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let (dialled, accepted) = tokio::join!(
        dial(near, trusting_only(&ours.pem).unwrap(), TOKEN),
        accept(far, &other, move |_| async move {
            counting.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    );
    let error = dialled.unwrap_err();
    assert!(matches!(error, DialError::Connection(_)), "{error}");
    accepted.unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    for text in ["", "no pem"] {
        assert!(trusting_only(text).is_err(), "{text}");
    }
}

/// What the endpoint says to these bytes, sent over TLS by somebody who trusts it.
async fn said_to(text: &str) -> String {
    let certificate = OperatorCertificate::new().unwrap();
    let connector = tokio_rustls::TlsConnector::from(trusting_only(&certificate.pem).unwrap());
    let (near, far) = duplex(256 * 1024);
    let asking = async {
        let name =
            rustls::pki_types::ServerName::try_from("operator.flink-retention.internal").unwrap();
        let mut stream = connector.connect(name, near).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end may be impolite.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    // Whoever was let in against the rules is gone at once.
    let accepting = async {
        let accepted = accept(far, &certificate, |_| async { Ok(()) }).await;
        accepted.map(drop)
    };
    let (answer, accepted) = tokio::join!(asking, accepting);
    assert!(accepted.is_err(), "{answer}");
    answer
}

#[tokio::test]
async fn what_is_no_worker_of_this_version_is_told_so() {
    let worker = |version: &str, token: &str| {
        format!(
            "GET /worker HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: flink-retention-worker/{version}\r\n{token}\r\n"
        )
    };
    for (text, status) in [
        (worker("0", "Authorization: Bearer t\r\n"), "426"),
        (worker("10", "Authorization: Bearer t\r\n"), "426"),
        (worker("1", ""), "401"),
        (worker("1", "Authorization: Bearer \r\n"), "401"),
        (worker("1", "Authorization: Basic dDp0\r\n"), "401"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "404"),
        (
            format!(
                "GET /worker HTTP/1.1\r\nHost: {}\r\n\r\n",
                "x".repeat(200_000)
            ),
            "431",
        ),
    ] {
        let answer = said_to(&text).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    let certificate = OperatorCertificate::new().unwrap();
    let (_near, far) = duplex(1024);
    let accepted = accept(far, &certificate, |_| async { Ok(()) }).await;
    assert!(matches!(accepted, Err(WireError::Silent(_))));
    let (near, _far) = duplex(1024);
    let dialled = dial(near, trusting_only(&certificate.pem).unwrap(), TOKEN).await;
    assert!(matches!(dialled, Err(DialError::Silent)));
}

#[tokio::test]
async fn a_question_that_is_too_long_ends_alone() {
    let store = store();
    let worker = worker(Arc::new(store), Access::ReadOnly);
    let (connection, _serving) = connect(&worker, None).await;
    let remote = connection.root("volume").unwrap();
    let error = remote
        .stat(&key("a/".repeat(300_000).trim_end_matches('/')))
        .await
        .unwrap_err();
    assert_eq!(error.category(), "unavailable");
    assert!(remote.stat(&key("a")).await.unwrap().is_some());
}
