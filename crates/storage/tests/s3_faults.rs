//! What a store, or something in front of it, answers with 200 although it is no answer. Taken for a listing without
//! contents, it would let needed files look unreferenced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod answers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use storage::{
    Entry, EntryKind, Key, ObjectStorage, S3Access, S3Account, S3Credentials, Secret, Storage,
    StorageError,
};
use tokio::time::timeout;

use answers::{answer, answering, serving};

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
    listed_in(&store(endpoint)).await
}

async fn listed_in(store: &ObjectStorage) -> Result<Vec<Entry>, StorageError> {
    let listing = store.list_level(&key("shared")).try_collect();
    timeout(Duration::from_mins(10), listing)
        .await
        .expect("the listing has no end")
}

/// A page of what `listed` asks for.
fn page(inside: &str) -> String {
    page_of("flink/shared/", inside)
}

fn page_of(prefix: &str, inside: &str) -> String {
    let asked =
        format!("<Name>bucket</Name><Prefix>{prefix}</Prefix><Delimiter>/</Delimiter>{inside}");
    page_without_what_was_asked(&asked)
}

fn page_without_what_was_asked(inside: &str) -> String {
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
        // Without a name the client takes it for the directory itself.
        (
            page(&format!("{WHOLE}{}", object(""))),
            "outside of what was asked for",
        ),
        (
            page(&format!(
                "{WHOLE}<CommonPrefixes><Prefix/></CommonPrefixes>"
            )),
            "outside of what was asked for",
        ),
        // Something in between passed on only a part of the question.
        (page_without_what_was_asked(WHOLE), "with the bucket"),
        (page_of("", WHOLE), "with the prefix"),
        (page_of("flink/shared", WHOLE), "with the prefix"),
        (page_of("flink/taskowned/", &one), "incomplete"),
        (
            page_of("flink/taskowned/", &format!("{WHOLE}{one}")),
            "with the prefix",
        ),
        (
            page(WHOLE).replace("<Name>bucket</Name>", "<Name>other</Name>"),
            "with the bucket",
        ),
        (
            page(WHOLE).replace("<Delimiter>/</Delimiter>", ""),
            "with the delimiter",
        ),
        (
            page(&format!("{WHOLE}<ContinuationToken>t</ContinuationToken>")),
            "with the continuation token",
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
    // A name that Flink cannot write is nobody's, and no end of the listing.
    let foreign = object("flink/shared/a//b");
    let good = page(&format!("{WHOLE}<EncodingType/>{one}{foreign}"));
    let entries = listed(answering("200 OK", "", &good).await).await.unwrap();
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::File, EntryKind::Other], "{entries:?}");
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

/// Pages with the tokens t1, t2, t3, t1, t2, ... have no end, whether something is on them or not; nor has a listing
/// whose pages are the same under ever new tokens.
#[tokio::test]
async fn pages_that_lead_back_are_no_listing() {
    let one = object("flink/shared/a");
    let more = |token: usize, inside: &str| {
        let token = format!("<NextContinuationToken>t{token}</NextContinuationToken>");
        answer("200 OK", "", &page(&format!("{MORE}{token}{inside}")))
    };
    let asked_for = |request: &str| -> usize {
        let token = request.split("continuation-token=t").nth(1);
        let token = token.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        token.map_or(0, |number| number.parse().unwrap())
    };
    let empty = serving(move |request| more(asked_for(request) % 3 + 1, "")).await;
    let fresh = serving(move |request| more(asked_for(request) + 1, &one)).await;
    for (endpoint, says) in [(empty, "lead back to earlier ones"), (fresh, "twice")] {
        let error = listed(endpoint).await.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_names_come_once_each() {
    const NAMES: usize = 100_000;
    let endpoint = serving(|request| {
        let token = request.split("continuation-token=").nth(1);
        let token = token.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        let from: usize = token.map_or(0, |number| number.parse().unwrap());
        let to = from + 1000;
        let names = (from..to).map(|number| object(&format!("flink/shared/{number:06}")));
        let more = match to {
            NAMES => WHOLE.to_owned(),
            _ => format!("{MORE}<NextContinuationToken>{to}</NextContinuationToken>"),
        };
        answer("200 OK", "", &page(&(names.collect::<String>() + &more)))
    });
    let entries = listed(endpoint.await).await.unwrap();
    let names = (0..NAMES).map(|number| format!("shared/{number:06}"));
    assert!(entries.iter().map(|entry| entry.key.to_string()).eq(names));
}

/// A file that is not there is needed by nobody, so it must be the store who says so.
#[tokio::test]
async fn not_every_404_is_a_missing_file() {
    let html = "<html><body>no such route</body></html>";
    let no_bucket = "<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>";
    let no_code = "<Error><Message>m</Message></Error>";
    let looks = ["", html, no_bucket, no_code].map(|body| async move {
        let store = store(answering("404 Not Found", "", body).await);
        let file = key("shared/a");
        let (read, range, looked, listed) = tokio::join!(
            store.read(&file, 9),
            store.read_range(&file, 0, 9),
            store.stat(&file),
            listed_in(&store)
        );
        let errors = [
            read.unwrap_err(),
            range.unwrap_err(),
            looked.unwrap_err(),
            listed.unwrap_err(),
        ];
        (body, errors)
    });
    for (body, errors) in join_all(looks).await {
        for error in errors {
            assert_eq!(error.category(), "unavailable", "{body}: {error}");
        }
    }
    let no_key = "<Error><Code>NoSuchKey</Code><Message>m</Message></Error>";
    let store = store(answering("404 Not Found", "", no_key).await);
    let error = store.read(&key("shared/a"), 9).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

/// HEAD says 404 and nothing more. What the store lists is there.
#[tokio::test]
async fn what_is_listed_is_not_missing() {
    let contradicting = |listed: &'static str| {
        serving(move |request| {
            if request.starts_with("HEAD") {
                return answer("404 Not Found", "", "");
            }
            let prefix = if request.contains("prefix=flink/shared/a/") {
                "flink/shared/a/"
            } else {
                "flink/shared/a"
            };
            let inside = if listed.starts_with(prefix) {
                object(listed)
            } else {
                String::new()
            };
            answer("200 OK", "", &page_of(prefix, &format!("{WHOLE}{inside}")))
        })
    };
    let look = async |listed| {
        let store = store(contradicting(listed).await);
        store.stat(&key("shared/a")).await
    };
    let error = look("flink/shared/a").await.unwrap_err();
    assert!(error.to_string().contains("lists it"), "{error}");
    let directory = look("flink/shared/a/b").await.unwrap().unwrap();
    assert_eq!(directory.kind, EntryKind::Directory);
    assert_eq!(look("flink/shared/a-b").await.unwrap(), None);
    assert_eq!(look("").await.unwrap(), None);
}

/// The client by itself would go on where it was, in what is there by now.
#[tokio::test]
async fn contents_that_break_off_are_read_anew() {
    let times = AtomicUsize::new(0);
    let endpoint = serving(move |request| {
        assert!(!request.to_lowercase().contains("\r\nrange:"), "{request}");
        let is_first = times.fetch_add(1, Ordering::Relaxed) == 0;
        let (body, etag) = if is_first {
            ("aaaa", "1")
        } else {
            ("bbbb", "2")
        };
        let headers =
            format!("ETag: \"{etag}\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
        let mut answer = answer("200 OK", &headers, body);
        if is_first {
            answer.truncate(answer.len() - 2);
        }
        answer
    });
    let read = store(endpoint.await).read(&key("a"), 100).await.unwrap();
    assert_eq!(read.bytes, "bbbb");
    assert_eq!(read.version.etag.as_deref(), Some("2"));
}

#[tokio::test]
async fn clocks_that_differ_are_told() {
    let late = "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n";
    let skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>";
    for (headers, body) in [(late, ""), (late, skewed), ("", skewed)] {
        let endpoint = answering("403 Forbidden", headers, body).await;
        let looked = store(endpoint.clone()).stat(&key("shared/a")).await;
        let mut errors = vec![listed(endpoint).await.unwrap_err()];
        // Without a date HEAD says nothing.
        if headers == late {
            errors.push(looked.unwrap_err());
        }
        for error in errors {
            assert_eq!(error.category(), "unavailable", "{error}");
            assert!(error.to_string().contains("clock"), "{error}");
        }
    }
    let forbidden = answering("403 Forbidden", "", "").await;
    let error = listed(forbidden).await.unwrap_err();
    assert_eq!(error.category(), "permission_denied", "{error}");
}

/// A store that does not implement a condition does not heed it. What was written to find out is deleted again.
#[tokio::test]
async fn a_store_without_conditions_is_left_alone() {
    let kept = Arc::new(Mutex::new(Vec::<String>::new()));
    let deleted = Arc::new(AtomicUsize::new(0));
    for refusal in ["501 Not Implemented", "500 Internal Server Error"] {
        let (objects, deletions) = (Arc::clone(&kept), Arc::clone(&deleted));
        let endpoint = serving(move |request| {
            let request_line = request.lines().next().unwrap();
            let mut words = request_line.split_whitespace();
            let (method, name) = (words.next().unwrap(), words.next().unwrap().to_owned());
            let head = request.to_ascii_lowercase();
            if head.contains("\r\nif-none-match:") || head.contains("\r\nif-match:") {
                return answer(refusal, "", "");
            }
            let mut objects = objects.lock().unwrap();
            match method {
                "PUT" => {
                    objects.push(name);
                    answer("200 OK", "ETag: \"a\"\r\n", "")
                }
                "DELETE" => {
                    objects.retain(|object| *object != name);
                    deletions.fetch_add(1, Ordering::Relaxed);
                    answer("204 No Content", "", "")
                }
                _ => answer("400 Bad Request", "", ""),
            }
        })
        .await;
        let store = store(endpoint);
        let put = store.put_if_absent(&key("owner/1"), "x".into()).await;
        let error = put.unwrap_err();
        if refusal.starts_with("501") {
            assert!(error.to_string().contains("If-None-Match"), "{error}");
        }
        assert_eq!(*kept.lock().unwrap(), Vec::<String>::new(), "{refusal}");
    }
    assert_eq!(deleted.load(Ordering::Relaxed), 2);
}
