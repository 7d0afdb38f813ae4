//! What Google Cloud Storage, or something in front of it, may answer that the emulator never does: answers that are no
//! answer, and conditions that are heeded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod answers;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use storage::{
    ConditionalDelete, Deletion, Entry, EntryKind, GcsAccess, GcsAccount, GcsCredentials, Key,
    ObjectStorage, Put, Secret, Storage, StorageError, Version,
};
use tokio::time::timeout;

use answers::{answer, answering, serving};

fn account(endpoint: String) -> GcsAccount {
    GcsAccount::new(GcsAccess {
        endpoint: Some(endpoint),
        credentials: GcsCredentials::AccessToken(Secret::new("printed-never".to_owned())),
    })
}

fn store(endpoint: String) -> ObjectStorage {
    let own = key(".flink-retention");
    let directory = account(endpoint).directory("bucket", &key("flink"), own);
    directory.unwrap()
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

/// `GET /path?query`, as it was asked.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server, and what it has been asked so far.
async fn noting(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (String, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let endpoint = serving(move |request| {
        let line = request.split(" HTTP/").next().unwrap();
        noted.lock().unwrap().push(line.to_owned());
        answer(request)
    });
    (endpoint.await, asked)
}

fn ok(body: &str) -> String {
    answer("200 OK", "", body)
}

fn condition_not_met() -> String {
    let body = r#"{"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}]}}"#;
    answer("412 Precondition Failed", "", body)
}

/// What an upload of this length is answered with: the client compares.
fn written(headers: &str, request: &str) -> String {
    let length = request.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse::<u64>()
            .ok()
    });
    let size = format!("\"size\": \"{}\"", length.unwrap_or(0));
    answer(
        "200 OK",
        headers,
        &object("x").replace("\"size\": \"1\"", &size),
    )
}

async fn listed(endpoint: String) -> Result<Vec<Entry>, StorageError> {
    let store = store(endpoint);
    let listing = store.list_level(&key("shared")).try_collect();
    timeout(Duration::from_mins(1), listing)
        .await
        .expect("the listing has no end")
}

fn page(rest: &str) -> String {
    format!("{{\"kind\": \"storage#objects\"{rest}}}")
}

fn object(name: &str) -> String {
    format!(
        r#"{{"kind": "storage#object", "bucket": "bucket", "name": "{name}", "size": "1",
            "generation": "7", "etag": "x",
            "timeCreated": "2026-01-01T00:00:00.000Z", "updated": "2026-06-01T00:00:00.000Z"}}"#
    )
}

/// Bodies that are no page of the listing that was asked for, and a part of what is said of them.
fn no_pages() -> Vec<(String, &'static str)> {
    let one = object("flink/shared/a");
    let with = |item: String| page(&format!(r#", "items": [{item}]"#));
    vec![
        (String::new(), "incomplete"),
        ("maintenance".to_owned(), "incomplete"),
        (
            "<html><body><p>maintenance</p></body></html>".to_owned(),
            "incomplete",
        ),
        ("{}".to_owned(), "missing field `kind`"),
        (
            r#"{"error": {"code": 503, "message": "m"}}"#.to_owned(),
            "missing field `kind`",
        ),
        (page(r#", "error": {"code": 503}"#), "contains an error"),
        (
            r#"{"kind": "storage#buckets"}"#.to_owned(),
            "storage#buckets",
        ),
        (page(&format!(r#", "items": [{one}"#)), "incomplete"),
        (page(r#", "items": null"#), "incomplete"),
        (page(r#", "items": [{}]"#), "missing field `name`"),
        (with(one.replace("\"7\"", "\"\"")), "without a generation"),
        (
            with(one.replace("timeCreated", "created")),
            "without the time",
        ),
        (
            page(r#", "unreachable": ["eu"]"#),
            "more than could be reached",
        ),
        (
            page(&format!(r#", "items": [{one}], "nextPageToken": """#)),
            "not where they begin",
        ),
        (
            page(&format!(
                r#", "items": [{one}], "nextPageToken": "a/b+c= é""#
            )),
            "the same again",
        ),
        // Something in between passed on only a part of the question.
        (
            with(one.replace("\"bucket\": \"bucket\"", "\"bucket\": \"other\"")),
            "with the bucket",
        ),
        (with(object("other/a")), "outside of what was asked for"),
        (
            with(object("flink/sharedx")),
            "outside of what was asked for",
        ),
        (
            page(r#", "prefixes": ["flink/taskowned/"]"#),
            "outside of what was asked for",
        ),
        (
            with(object("flink/shared/a/b")),
            "outside of what was asked for",
        ),
        // Without a name the client takes it for the directory itself.
        (with(object("")), "outside of what was asked for"),
        (
            page(r#", "prefixes": [""]"#),
            "outside of what was asked for",
        ),
    ]
}

#[tokio::test]
async fn what_is_no_listing_is_never_an_empty_directory() {
    let outcomes = no_pages().into_iter().map(|(body, says)| async move {
        let outcome = listed(answering("200 OK", "", &body).await).await;
        (outcome, body, says)
    });
    for (outcome, body, says) in join_all(outcomes).await {
        let error = outcome.expect_err(&body);
        assert_eq!(error.category(), "unavailable", "{body}: {error}");
        assert!(error.to_string().contains(says), "{body}: {error}");
    }
    for status in ["203 Non-Authoritative Information", "206 Partial Content"] {
        let endpoint = answering(status, "", "{}").await;
        listed(endpoint).await.expect_err(status);
    }
    let one = object("flink/shared/a");
    let marker = object("flink/shared/");
    let good = page(&format!(
        r#", "items": [{marker}, {one}], "prefixes": ["flink/shared/b/"]"#
    ));
    let entries = listed(answering("200 OK", "", &good).await).await.unwrap();
    let mut kinds: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [EntryKind::File, EntryKind::Directory]);
    let empty = answering("200 OK", "", &page("")).await;
    assert_eq!(listed(empty).await.unwrap(), []);
}

/// Rules of the bucket change the class of an object, and with it the time of the object. What decides which savepoint is
/// the newer one is the time of its contents.
#[tokio::test]
async fn the_time_of_a_file_is_that_of_its_contents() {
    let endpoint = serving(|request| {
        let asked = request.lines().next().unwrap();
        if asked.contains("alt=media") {
            let headers =
                "Last-Modified: Mon, 01 Jun 2026 00:00:00 GMT\r\nx-goog-generation: 7\r\n";
            return answer("200 OK", headers, "x");
        }
        let one = object("flink/shared/a");
        ok(&if asked.contains("prefix=") {
            page(&format!(r#", "items": [{one}]"#))
        } else {
            one
        })
    });
    let store = store(endpoint.await);
    let file = key("shared/a");
    let listing = store.list_level(&key("shared")).try_collect::<Vec<_>>();
    let mut versions = vec![
        store.stat(&file).await.unwrap().unwrap().version,
        store.read(&file, 9).await.unwrap().version,
        store.read_range(&file, 0, 1).await.unwrap().version,
    ];
    versions.extend(
        listing
            .await
            .unwrap()
            .into_iter()
            .map(|entry| entry.version),
    );
    assert_eq!(versions.len(), 4);
    for version in versions {
        let modified = version.modified.unwrap().to_string();
        assert_eq!(modified, "2026-01-01T00:00:00Z");
        assert_eq!(version.etag.as_deref(), Some("7"));
    }
}

/// Google says 403 for more than a missing permission.
#[tokio::test]
async fn a_refusal_for_another_reason_is_told_as_such() {
    for (reason, says) in [
        ("retentionPolicyNotMet", "retention policy"),
        ("objectUnderActiveHold", "hold"),
        ("rateLimitExceeded", "fewer requests"),
        ("forbidden", "ermission"),
    ] {
        let body = format!(r#"{{"error": {{"code": 403, "errors": [{{"reason": "{reason}"}}]}}}}"#);
        let endpoint = answering("403 Forbidden", "", &body).await;
        let error = store(endpoint).stat(&key("shared/a")).await.unwrap_err();
        assert!(error.to_string().contains(says), "{reason}: {error}");
        let forbidden = error.category() == "permission_denied";
        assert_eq!(forbidden, reason == "forbidden", "{error}");
    }
}

/// Whoever sees a token has it.
#[test]
fn no_token_is_sent_in_clear_to_another_machine() {
    for (endpoint, refused) in [
        ("http://gcs.storage.svc:4443", true),
        ("http://127.0.0.1.evil.example", true),
        ("https://gcs.storage.svc:4443", false),
        ("http://localhost:4443", false),
        ("http://[::1]:4443", false),
    ] {
        let opened = account(endpoint.to_owned()).directory("bucket", &key("flink"), key("own"));
        let error = opened.map(|_| ()).map_err(|error| error.to_string());
        let in_clear = error.is_err_and(|error| error.contains("without encryption"));
        assert_eq!(in_clear, refused, "{endpoint}");
    }
}

/// Pages with the tokens t1, t2, t3, t1, t2, ... have no end, whether something is on them or not; nor has a listing
/// whose pages are the same under ever new tokens.
#[tokio::test]
async fn pages_that_lead_back_are_no_listing() {
    let one = format!(r#", "items": [{}]"#, object("flink/shared/a"));
    let more = |token: usize, inside: &str| {
        ok(&page(&format!(r#", "nextPageToken": "t{token}"{inside}"#)))
    };
    let asked_for = |request: &str| -> usize {
        let token = request.split("pageToken=t").nth(1);
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

const NO_OBJECT: &str = r#"{"error": {"code": 404, "message": "No such object: bucket/flink/a",
    "errors": [{"domain": "global", "reason": "notFound"}]}}"#;

/// A file that is not there is needed by nobody, so it must be the store who says so.
#[tokio::test]
async fn not_every_404_is_a_missing_file() {
    let html = "<html><body>no such route</body></html>";
    let looks = ["", html, "Not Found", "{}", NO_OBJECT].map(|body| async move {
        let store = store(answering("404 Not Found", "", body).await);
        let file = key("shared/a");
        let listing = store.list_level(&key("shared")).try_collect::<Vec<_>>();
        let version = version("7");
        let (read, range, looked, listed, deleted) = tokio::join!(
            store.read(&file, 9),
            store.read_range(&file, 0, 9),
            store.stat(&file),
            listing,
            store.delete_if_unchanged(&file, &version),
        );
        let errors = [
            read.unwrap_err(),
            range.unwrap_err(),
            looked.unwrap_err(),
            listed.unwrap_err(),
            deleted.unwrap_err(),
        ];
        (body, errors)
    });
    for (body, errors) in join_all(looks).await {
        for error in errors {
            assert_eq!(error.category(), "unavailable", "{body}: {error}");
        }
    }
}

/// To a question for contents the store, too, answers 404 with a line of text. What it lists, or tells of, is there.
#[tokio::test]
async fn what_is_listed_is_not_missing() {
    let store = async |listed: &'static str, told: bool| {
        let endpoint = serving(move |request| {
            let asks_for = |part: &str| request.lines().next().unwrap().contains(part);
            if asks_for("alt=media") {
                return answer("404 Not Found", "", "No such object: bucket/flink/shared/a");
            }
            if !asks_for("prefix=") {
                return if told {
                    ok(&object("flink/shared/a"))
                } else {
                    answer("404 Not Found", "", NO_OBJECT)
                };
            }
            let prefix = if asks_for("a%2F&") {
                "flink/shared/a/"
            } else {
                "flink/shared/a"
            };
            if !listed.starts_with(prefix) {
                return ok(&page(""));
            }
            let rest = listed.strip_prefix(prefix).unwrap();
            ok(&page(&match rest.split_once('/') {
                Some((inside, _)) => format!(r#", "prefixes": ["{prefix}{inside}/"]"#),
                None => format!(r#", "items": [{}]"#, object(listed)),
            }))
        });
        store(endpoint.await)
    };
    let file = key("shared/a");
    for (listed, told) in [("flink/shared/a", false), ("", true)] {
        let store = store(listed, told).await;
        let error = store.read(&file, 9).await.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains("lists it"), "{error}");
    }
    let contradicting = store("flink/shared/a", false).await;
    let error = contradicting.stat(&file).await.unwrap_err();
    assert!(error.to_string().contains("lists it"), "{error}");
    let directory = store("flink/shared/a/b", false).await;
    let found = directory.stat(&file).await.unwrap().unwrap();
    assert_eq!(found.kind, EntryKind::Directory);
    for listed in ["flink/shared/a-b", ""] {
        let store = store(listed, false).await;
        assert_eq!(store.stat(&file).await.unwrap(), None);
        let error = store.read(&file, 9).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
}

/// Also not by the address at which an upload is to go on, which the store chooses.
#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let (elsewhere, asked_elsewhere) =
        noting(|_| ok(r#"{"kind": "storage#objects", "size": "1"}"#)).await;
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("Location: {elsewhere}/login?secret=1\r\n");
        let endpoint = answering(status, &location, "").await;
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
            assert!(
                text.contains(&elsewhere) && !text.contains("login"),
                "{text}"
            );
        }
    }
    let location = format!("Location: {elsewhere}/upload?secret=1\r\n");
    let endpoint = serving(move |request| written(&location, request)).await;
    let put = store(endpoint).put_if_absent(&key("x"), "x".into()).await;
    let text = put.unwrap_err().to_string();
    assert!(
        text.contains(&elsewhere) && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(*asked_elsewhere.lock().unwrap(), Vec::<String>::new());
}

/// A store that compares generations, with one object in it.
async fn comparing(generation: &'static str) -> (ObjectStorage, Asked) {
    let (endpoint, asked) = noting(move |asked| {
        let is_own = asked.contains("flink-retention");
        if asked.starts_with("DELETE") {
            let wanted = asked.split_whitespace().nth(1).unwrap();
            let wanted = wanted.split("ifGenerationMatch=").nth(1);
            return match wanted {
                Some(wanted) if wanted != generation => condition_not_met(),
                Some(_) | None => answer("204 No Content", "", ""),
            };
        }
        if asked.starts_with("GET") {
            return ok(&object("x").replace("\"7\"", &format!("\"{generation}\"")));
        }
        if asked.contains("ifGenerationMatch=0") || asked.contains("uploadType=resumable") {
            return condition_not_met();
        }
        assert!(is_own, "{asked}");
        written("", asked)
    })
    .await;
    (store(endpoint), asked)
}

/// What becomes of the contents when they are sent for the first time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum First {
    AnswerLost,
    NeverArrives,
    UploadForgotten,
}

/// A store that has forgotten an upload as soon as it has ended, or been broken off.
async fn forgetting(first: First) -> (ObjectStorage, Asked) {
    let is_there = AtomicBool::new(false);
    let sent = AtomicU32::new(0);
    let forgotten = r#"{"error": {"code": 404, "message": "no such upload"}}"#;
    let forgotten = answer("404 Not Found", "", forgotten);
    let (endpoint, asked) = noting(move |asked| {
        if asked.starts_with("DELETE") && !asked.contains("ifGenerationMatch") {
            return answer("204 No Content", "", "");
        }
        if asked.starts_with("DELETE") {
            return condition_not_met();
        }
        if asked.starts_with("GET") {
            return ok(&object("x"));
        }
        if asked.contains("uploadType=resumable") {
            if asked.contains("conditions-") || is_there.load(Ordering::Relaxed) {
                return condition_not_met();
            }
            let host = asked
                .lines()
                .find_map(|line| line.strip_prefix("host: "))
                .unwrap();
            return answer(
                "200 OK",
                &format!("Location: http://{host}/upload?upload_id=1\r\n"),
                "",
            );
        }
        if !asked.contains("upload_id=1") {
            return written("", asked);
        }
        if asked.contains("content-range: bytes */") {
            return forgotten.clone();
        }
        let is_first = sent.fetch_add(1, Ordering::Relaxed) == 0;
        match (is_first, first) {
            (true, First::UploadForgotten) => forgotten.clone(),
            (true, First::NeverArrives) => String::new(),
            (true, First::AnswerLost) => {
                is_there.store(true, Ordering::Relaxed);
                String::new()
            }
            (false, _) => written("", asked),
        }
    })
    .await;
    (store(endpoint), asked)
}

/// Whoever takes an epoch then looks whose it is.
#[tokio::test]
async fn a_new_object_whose_upload_breaks_off_is_begun_anew() {
    for (first, outcome) in [
        (First::AnswerLost, Put::Exists),
        (First::NeverArrives, Put::Created),
        (First::UploadForgotten, Put::Created),
    ] {
        let (store, asked) = forgetting(first).await;
        let put = store.put_if_absent(&key("owner/1"), "x".into()).await;
        let asked = asked.lock().unwrap().join("\n");
        assert_eq!(put.expect(&asked), outcome, "{first:?}:\n{asked}");
    }
}

fn version(generation: &str) -> Version {
    Version {
        size: 1,
        modified: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        etag: Some(generation.to_owned()),
    }
}

#[tokio::test]
async fn an_object_goes_only_as_the_generation_that_was_decided_on() {
    let (store, asked) = comparing("7").await;
    let changed = store.delete_if_unchanged(&key("a"), &version("6")).await;
    let Deletion::Changed { found } = changed.unwrap() else {
        panic!("another generation is another object");
    };
    assert_eq!(found.version, version("7"));
    let deleted = store.delete_if_unchanged(&key("a"), &version("7")).await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
    assert_eq!(
        store.capabilities().conditional_delete,
        ConditionalDelete::Atomic
    );
    let asked = asked.lock().unwrap();
    let deletions = asked.iter().filter(|line| line.starts_with("DELETE"));
    let of_flink: Vec<_> = deletions
        .filter(|line| !line.contains("flink-retention"))
        .collect();
    assert_eq!(
        of_flink,
        [
            "DELETE /storage/v1/b/bucket/o/flink%2Fa?ifGenerationMatch=6",
            "DELETE /storage/v1/b/bucket/o/flink%2Fa?ifGenerationMatch=7",
        ]
    );
}

/// What is packed (`Content-Encoding: gzip`) comes unpacked, of any length.
#[tokio::test]
async fn contents_that_are_longer_than_stored_are_not_read() {
    let endpoint = serving(|asked| {
        if asked.contains("alt=media") {
            let headers = "X-Goog-Generation: 7\r\nX-Goog-Stored-Content-Length: 1\r\n";
            return answer("200 OK", headers, "0123456789");
        }
        ok(&object("flink/a"))
    })
    .await;
    let error = store(endpoint).read(&key("a"), 100).await.unwrap_err();
    assert_eq!(error.category(), "changed_while_read", "{error}");
}

/// The client by itself would go on where it was, in what is there by now.
#[tokio::test]
async fn contents_that_break_off_are_read_anew() {
    let times = AtomicU32::new(0);
    let (endpoint, asked) = noting(move |request| {
        if !request.contains("alt=media") {
            return ok(&object("flink/a").replace("\"size\": \"1\"", "\"size\": \"4\""));
        }
        assert!(!request.to_lowercase().contains("\r\nrange:"), "{request}");
        let is_first = times.fetch_add(1, Ordering::Relaxed) == 0;
        let (body, generation) = if is_first { ("aaaa", 6) } else { ("bbbb", 7) };
        let headers = format!(
            "X-Goog-Generation: {generation}\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        );
        let mut answer = answer("200 OK", &headers, body);
        if is_first {
            answer.truncate(answer.len() - 2);
        }
        answer
    })
    .await;
    let read = store(endpoint).read(&key("a"), 100).await.unwrap();
    assert_eq!(read.bytes, "bbbb");
    assert_eq!(read.version.etag.as_deref(), Some("7"));
    let asked = asked.lock().unwrap();
    let of_contents = asked.iter().filter(|line| line.contains("alt=media"));
    assert_eq!(of_contents.count(), 2);
}

/// Contents come without a time; then the object is asked for it.
#[tokio::test]
async fn contents_have_the_version_that_listings_have() {
    let endpoint = serving(|asked| {
        if asked.contains("alt=media") {
            return answer("200 OK", "X-Goog-Generation: 7\r\n", "0");
        }
        ok(&object("flink/a"))
    })
    .await;
    let read = store(endpoint).read(&key("a"), 100).await.unwrap();
    assert_eq!(read.version, version("7"));
}

#[tokio::test]
async fn whom_nobody_knows_is_told_so_and_his_token_is_never_printed() {
    let body = r#"{"error": {"code": 401, "message": "Invalid Credentials: printed-never",
        "errors": [{"reason": "authError"}]}}"#;
    let endpoint = answering("401 Unauthorized", "", body).await;
    let store = store(endpoint.clone());
    for error in [
        listed(endpoint).await.unwrap_err(),
        store.stat(&key("a")).await.unwrap_err(),
        store.read(&key("a"), 9).await.unwrap_err(),
        store
            .put_if_absent(&key("a"), "x".into())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.category(), "unauthenticated", "{error}");
        let text = format!("{error} {error:?} {store:?}");
        assert!(!text.contains("printed-never"), "{text}");
    }
}

/// The key of nobody: what the client would find on this machine, or ask its metadata server for, does not count.
#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    let (endpoint, asked) = noting(|_| ok(&page(""))).await;
    let access = GcsAccess {
        endpoint: Some(endpoint),
        credentials: GcsCredentials::AccessToken(Secret::new(" ".to_owned())),
    };
    let account = GcsAccount::new(access);
    let store = account
        .directory("bucket", &key("flink"), key("own"))
        .unwrap();
    let error = store.stat(&key("a")).await.unwrap_err();
    assert_eq!(error.category(), "unauthenticated", "{error}");
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
}
