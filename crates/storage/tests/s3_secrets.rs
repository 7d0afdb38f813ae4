//! What is logged at any level, by us and by every library below, holds no credentials; nor does any error, even if the
//! store repeats what it was sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod answers;

use std::io;
use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use storage::{Key, S3Access, S3Account, S3Credentials, Secret, Storage, StorageError};
use testbed::object_store::{REGION, S3Server};
use tracing_subscriber::filter::LevelFilter;

use answers::{answer, serving};

const ACCESS_KEY: &str = "AKIAKNOWNTOTHISTEST";
const SECRET_KEY: &str = "known/secret+5d41402abc4b2a76";
const TOKEN: &str = "known/token+b9719d911017c592==";
const WRONG: &str = "wrong/secret+6d7fce9fee471194";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn account(endpoint: String, secret_key: &str, token: Option<&str>) -> S3Account {
    let secret = |text: &str| Secret::new(text.to_owned());
    S3Account::new(S3Access {
        endpoint: Some(endpoint),
        region: Some(REGION.to_owned()),
        virtual_host_style: false,
        credentials: S3Credentials::Keys {
            access_key_id: secret(ACCESS_KEY),
            secret_access_key: secret(secret_key),
            session_token: token.map(secret),
        },
    })
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

/// All that can be asked of a bucket; what came of it as a person and as a log would show it.
async fn work(account: &S3Account) -> Vec<String> {
    let store = account.directory("bucket", &key("flink"), key(".own"));
    let store = store.unwrap();
    let file = key("shared/a");
    let mut said = vec![format!("{account:?} {store:?}")];
    let mut note = |error: Option<StorageError>| {
        said.extend(error.map(|error| format!("{error} {error:?}")));
    };
    note(store.put_if_absent(&file, "x".into()).await.err());
    note(store.replace(&file, "y".into()).await.err());
    note(
        store
            .list_level(&Key::root())
            .try_collect::<Vec<_>>()
            .await
            .err(),
    );
    note(store.read(&file, 9).await.err());
    note(store.read_range(&file, 0, 1).await.err());
    let looked = store.stat(&file).await;
    note(looked.as_ref().err().cloned());
    if let Ok(Some(entry)) = looked {
        note(store.delete_if_unchanged(&file, &entry.version).await.err());
    }
    said
}

#[tokio::test]
async fn nothing_that_is_logged_or_said_holds_credentials() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let server = S3Server::start().unwrap();
    server.make_user(ACCESS_KEY, SECRET_KEY).unwrap();
    server.make_bucket("bucket").unwrap();
    server.give("bucket", ACCESS_KEY).unwrap();
    let ours = work(&account(server.endpoint(), SECRET_KEY, None)).await;
    assert_eq!(ours.len(), 1, "without an error: {ours:?}");
    let wrong = work(&account(server.endpoint(), WRONG, None)).await;

    // Somebody who repeats all that he is sent, as XML and as text.
    let mut repeated = Vec::new();
    for (status, is_xml) in [
        ("400 Bad Request", true),
        ("403 Forbidden", true),
        ("403 Forbidden", false),
        ("404 Not Found", true),
        ("200 OK", false),
    ] {
        let endpoint = serving(move |request| {
            let mut request = request.replace(['<', '&'], " ");
            if is_xml {
                request = format!("<Error><Code>C</Code><Message>{request}</Message></Error>");
            }
            answer(status, "ETag: \"a\"\r\n", &request)
        });
        repeated.extend(work(&account(endpoint.await, SECRET_KEY, Some(TOKEN))).await);
    }
    assert!(
        wrong.len() > 4 && repeated.len() > 20,
        "{wrong:?} {repeated:?}"
    );

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for library in ["hyper_util", "reqwest", "opendal", "reqsign"] {
        assert!(log.contains(library), "nothing of {library} was logged");
    }
    let said = [ours, wrong, repeated].concat();
    let encoded = |text: &str| {
        text.replace('/', "%2F")
            .replace('+', "%2B")
            .replace('=', "%3D")
    };
    for secret in [ACCESS_KEY, SECRET_KEY, TOKEN, WRONG] {
        for form in [secret.to_owned(), encoded(secret)] {
            let lines = log.lines().chain(said.iter().map(String::as_str));
            let leaks: Vec<&str> = lines.filter(|line| line.contains(&form)).collect();
            assert!(leaks.is_empty(), "{form} in {leaks:#?}");
        }
    }
}
