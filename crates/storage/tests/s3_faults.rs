//! What a store, or something in front of it, answers with 200 although it is no answer. Taken for a listing without
//! contents, it would let needed files look unreferenced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use storage::{
    Entry, Key, ObjectStorage, S3Access, S3Account, S3Credentials, Secret, Storage, StorageError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// A server that gives one answer to everything.
async fn answering(status: &str, headers: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _ = connection.write_all(answer.as_bytes()).await;
                let _ = connection.shutdown().await;
                let _ = connection.read_to_end(&mut request).await;
            });
        }
    });
    endpoint
}

fn store(endpoint: String) -> ObjectStorage {
    let secret = |text: &str| Secret::new(text.to_owned());
    let access = S3Access {
        endpoint: Some(endpoint),
        region: None,
        virtual_host_style: false,
        credentials: S3Credentials::Keys {
            access_key_id: secret("access"),
            secret_access_key: secret("secret"),
            session_token: None,
        },
    };
    let account = S3Account::new(access);
    let own = key(".flink-retention");
    account.directory("bucket", &key("flink"), own).unwrap()
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

async fn listed(endpoint: String) -> Result<Vec<Entry>, StorageError> {
    let store = store(endpoint);
    let listing = store.list_level(&key("shared")).try_collect();
    timeout(Duration::from_mins(1), listing)
        .await
        .expect("the listing has no end")
}

fn page(inside: &str) -> String {
    format!("<?xml version=\"1.0\"?><ListBucketResult>{inside}</ListBucketResult>")
}

fn object(name: &str) -> String {
    format!(
        "<Contents><Key>{name}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
         <ETag>&quot;a&quot;</ETag><Size>1</Size></Contents>"
    )
}

const WHOLE: &str = "<IsTruncated>false</IsTruncated>";
const MORE: &str = "<IsTruncated>true</IsTruncated>";

#[tokio::test]
async fn what_is_no_listing_is_never_an_empty_directory() {
    let one = object("flink/shared/a");
    let cases = [
        (
            "<Error><Code>SlowDown</Code><Message>m</Message></Error>".to_owned(),
            "<Error> instead of <ListBucketResult>",
        ),
        (
            "<html><body><p>maintenance</p></body></html>".to_owned(),
            "<html> instead of <ListBucketResult>",
        ),
        (String::new(), "no elements"),
        ("maintenance".to_owned(), "no elements"),
        (page(""), "incomplete"),
        (page(&one), "incomplete"),
        (page("<IsTruncated>maybe</IsTruncated>"), "incomplete"),
        (format!("<ListBucketResult>{WHOLE}{one}"), "incomplete"),
        (page(&format!("{MORE}{one}")), "not where they begin"),
        (
            page(&format!("{MORE}<NextContinuationToken/>{one}")),
            "not where they begin",
        ),
        (
            page(&format!(
                "{MORE}<NextContinuationToken>a/b+c=</NextContinuationToken>{one}"
            )),
            "the same again",
        ),
        (
            page(&format!("{WHOLE}<EncodingType>url</EncodingType>{one}")),
            "encoded",
        ),
        (
            page(&format!("{WHOLE}<Error><Code>InternalError</Code></Error>")),
            "contains an error",
        ),
        (
            page(&format!("{WHOLE}{}", object("other/a"))),
            "outside of what was asked for",
        ),
    ];
    let outcomes = cases.map(|(body, says)| async move {
        let outcome = listed(answering("200 OK", "", &body).await).await;
        (body, says, outcome)
    });
    for (body, says, outcome) in join_all(outcomes).await {
        let error = outcome.expect_err(&body);
        assert_eq!(error.category(), "unavailable", "{body}: {error}");
        assert!(error.to_string().contains(says), "{body}: {error}");
    }
    let good = page(&format!("{WHOLE}<EncodingType/>{one}"));
    let entries = listed(answering("200 OK", "", &good).await).await.unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let empty = answering("200 OK", "", &page(WHOLE)).await;
    let location = format!("Location: {empty}/login?secret=1\r\n");
    let region = "x-amz-bucket-region: eu-west-9\r\n";
    for (status, headers, says) in [
        ("302 Found", location.as_str(), empty.as_str()),
        ("307 Temporary Redirect", location.as_str(), empty.as_str()),
        ("301 Moved Permanently", region, "eu-west-9"),
    ] {
        let endpoint = answering(status, headers, "").await;
        let store = store(endpoint.clone());
        for error in [
            listed(endpoint).await.unwrap_err(),
            store.stat(&key("shared/a")).await.unwrap_err(),
            store.read(&key("shared/a"), 9).await.unwrap_err(),
            store
                .put_if_absent(&key("owner"), "x".into())
                .await
                .unwrap_err(),
        ] {
            let text = error.to_string();
            assert_eq!(error.category(), "unavailable", "{status}: {text}");
            assert!(text.contains(says) && text.contains("set "), "{text}");
            assert!(!text.contains("login"), "{text}");
        }
    }
}
