//! What Azure Storage, or something in front of it, may answer that the emulator never does: answers that are no answer,
//! and those of accounts with a hierarchical namespace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod answers;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use storage::{
    AzureAccess, AzureAccount, AzureIdentity, ConditionalDelete, Deletion, Entry, EntryKind, Key,
    ObjectStorage, RemovedDirectory, Storage, StorageError, Version,
};
use tokio::time::timeout;

use answers::{answer, answering, serving};

/// Must not be found in any message.
const SIGNATURE: &str = "cHJpbnRlZC1uZXZlcg%3D%3D";

fn store(endpoint: String) -> ObjectStorage {
    let identity = AzureIdentity::named(|name| match name {
        "AZURE_STORAGE_ACCOUNT_NAME" => Some("state1".to_owned()),
        "AZURE_STORAGE_SAS_TOKEN" => Some(format!("sv=2022-11-02&sp=rwdl&sig={SIGNATURE}")),
        _ => None,
    });
    let access = AzureAccess {
        endpoint: Some(endpoint),
        identity: identity.unwrap().unwrap(),
    };
    let own = key(".flink-retention");
    AzureAccount::new(access)
        .directory("container@state1.dfs.core.windows.net", &key("flink"), own)
        .unwrap()
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

/// `GET /path?query` without the signature, as it was asked, and the condition.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server, and what it has been asked so far.
async fn noting(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (String, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let endpoint = serving(move |request| {
        let line = request.split(" HTTP/").next().unwrap();
        let line = line
            .split(['?', '&'])
            .take_while(|part| !part.starts_with("sv="));
        let line = line.collect::<Vec<_>>().join("&");
        let condition = header(request, "if-match").unwrap_or_default();
        noted.lock().unwrap().push(format!("{line} {condition}"));
        answer(request)
    });
    (endpoint.await, asked)
}

fn header(request: &str, name: &str) -> Option<String> {
    request.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

fn ok(body: &str) -> String {
    answer("200 OK", "", body)
}

/// As Azure begins each of its answers.
const BEGINNING: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";

fn refusal(status: &str, code: &str) -> String {
    let body = format!("{BEGINNING}<Error><Code>{code}</Code><Message>m</Message></Error>");
    answer(status, &format!("x-ms-error-code: {code}\r\n"), &body)
}

/// To HEAD: without a body.
fn short_refusal(status: &str, code: &str) -> String {
    answer(status, &format!("x-ms-error-code: {code}\r\n"), "")
}

async fn listed(endpoint: String) -> Result<Vec<Entry>, StorageError> {
    let store = store(endpoint);
    let listing = store.list_level(&key("shared")).try_collect();
    timeout(Duration::from_mins(1), listing)
        .await
        .expect("the listing has no end")
}

fn page_from(marker: &str, blobs: &str, next: &str) -> String {
    format!(
        "{BEGINNING}<EnumerationResults ServiceEndpoint=\"https://state1.blob.core.windows.net/\" \
         ContainerName=\"container\"><Prefix>flink/shared/</Prefix>{marker}<Delimiter>/</Delimiter>\
         <Blobs>{blobs}</Blobs>{next}</EnumerationResults>"
    )
}

fn page(blobs: &str) -> String {
    page_from("", blobs, "<NextMarker />")
}

fn blob_of(name: &str, length: u64, more: &str) -> String {
    format!(
        "<Blob><Name>{name}</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified>\
         <Etag>0x7</Etag>{more}<Content-Length>{length}</Content-Length><Content-Type /></Properties><OrMetadata /></Blob>"
    )
}

fn blob(name: &str) -> String {
    blob_of(name, 1, "")
}

fn prefix(name: &str) -> String {
    format!("<BlobPrefix><Name>{name}</Name></BlobPrefix>")
}

/// Bodies that are no page of the listing that was asked for, and a part of what is said of them.
fn no_pages() -> Vec<(String, &'static str)> {
    let one = blob("flink/shared/a");
    let whole = page(&one);
    vec![
        (String::new(), "no elements"),
        ("maintenance".to_owned(), "no elements"),
        ("<html><body/></html>".to_owned(), "<html>"),
        (
            "<Error><Code>ServerBusy</Code></Error>".to_owned(),
            "<Error>",
        ),
        (whole[..whole.len() / 2].to_owned(), "incomplete"),
        (
            whole.replace("<NextMarker />", ""),
            "missing field `NextMarker`",
        ),
        (
            whole.replace(&format!("<Blobs>{one}</Blobs>"), ""),
            "missing field `Blobs`",
        ),
        (
            whole.replace("\"container\"", "\"other\""),
            "with the container \"container\"",
        ),
        (
            whole.replace("<Prefix>flink/shared/</Prefix>", "<Prefix />"),
            "with the prefix",
        ),
        (
            whole.replace("<Delimiter>/</Delimiter>", ""),
            "with the delimiter",
        ),
        (
            page_from("<Marker>t1</Marker>", &one, "<NextMarker />"),
            "with the marker",
        ),
        (page(&blob("flink/other/a")), "outside"),
        (page(&blob("")), "outside"),
        (page(&prefix("flink/other/")), "outside"),
        (
            page(&one.replace("<Name>", "<Name Encoded=\"true\">")),
            "are encoded",
        ),
        (
            page(&one.replace("<Content-Length>1</Content-Length>", "")),
            "Content-Length",
        ),
        (page(&one.replace("<Etag>0x7</Etag>", "")), "Etag"),
        (
            page(&one.replace("<Etag>0x7</Etag>", "<Etag />")),
            "without an etag",
        ),
        (
            page(&one.replace("<Name>", "<Snapshot>2026</Snapshot><Name>")),
            "not asked for",
        ),
        (
            page(&one.replace("<Name>", "<Deleted>true</Deleted><Name>")),
            "not asked for",
        ),
        (
            whole.replace("<NextMarker />", "<Error/><NextMarker />"),
            "contains an error",
        ),
    ]
}

#[tokio::test]
async fn not_every_200_is_a_listing() {
    let looks = no_pages().into_iter().map(|(body, says)| async move {
        (
            listed(answering("200 OK", "", &body).await).await,
            body,
            says,
        )
    });
    for (listed, body, says) in join_all(looks).await {
        let error = listed.expect_err(&body);
        assert_eq!(error.category(), "unavailable", "{body}: {error}");
        assert!(error.to_string().contains(says), "{body}: {error}");
    }
    for status in ["203 Non-Authoritative Information", "206 Partial Content"] {
        listed(answering(status, "", "").await)
            .await
            .expect_err(status);
    }
    let mixed = [
        blob("flink/shared/"),
        blob("flink/shared/a"),
        prefix("flink/shared/b/"),
        blob("flink/shared/c"),
    ];
    let good = page(&mixed.concat());
    let entries = listed(answering("200 OK", "", &good).await).await.unwrap();
    let mut kinds: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [EntryKind::File, EntryKind::File, EntryKind::Directory]
    );
    assert_eq!(
        listed(answering("200 OK", "", &page("")).await)
            .await
            .unwrap(),
        []
    );
}

/// Pages with the markers t1, t2, t3, t1, t2, ... have no end, whether something is on them or not; nor has a listing
/// whose pages are the same under ever new markers, or one whose second page is the first one again.
#[tokio::test]
async fn pages_that_lead_back_are_no_listing() {
    let asked_for = |request: &str| -> usize {
        let token = request.split("marker=t").nth(1);
        let token = token.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        token.map_or(0, |number| number.parse().unwrap())
    };
    let next = |token: usize, blobs: &str| {
        ok(&page_from(
            "",
            blobs,
            &format!("<NextMarker>t{token}</NextMarker>"),
        ))
    };
    let one = blob("flink/shared/a");
    let empty = serving(move |request| next(asked_for(request) % 3 + 1, "")).await;
    let fresh = serving(move |request| next(asked_for(request) + 1, &one)).await;
    for (endpoint, says) in [(empty, "lead back to earlier ones"), (fresh, "twice")] {
        let error = listed(endpoint).await.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// As many as Azure puts on a page.
const ON_A_PAGE: usize = 5_000;

#[tokio::test]
async fn a_hundred_thousand_blobs_come_once_each() {
    let (endpoint, asked) = noting(|request| {
        let marker = request.split("marker=").nth(1).unwrap_or_default();
        let first = marker.split(|c: char| !c.is_ascii_digit()).next();
        let first: usize = first.and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let after = first + ON_A_PAGE;
        let names = (first..after).map(|number| blob(&format!("flink/shared/{number:06}")));
        let next = match after {
            100_000 => "<NextMarker />".to_owned(),
            more => format!("<NextMarker>{more}</NextMarker>"),
        };
        ok(&page_from("", &names.collect::<String>(), &next))
    })
    .await;
    let store = store(endpoint);
    let listing = store.list_level(&key("shared"));
    let entries: Vec<Entry> = listing.try_collect().await.unwrap();
    let expected = (0..100_000).map(|number| key(&format!("shared/{number:06}")));
    assert!(entries.into_iter().map(|entry| entry.key).eq(expected));
    assert_eq!(asked.lock().unwrap().len(), 20);
}

/// A file that is not there is needed by nobody, so it must be the store who says so.
#[tokio::test]
async fn not_every_404_is_a_missing_file() {
    let html = "<html><body>no such route</body></html>";
    let error = |code: &str| format!("{BEGINNING}<Error><Code>{code}</Code></Error>");
    let bodies = [
        String::new(),
        html.to_owned(),
        "Not Found".to_owned(),
        error("NoSuchKey"),
        error("ContainerNotFound"),
        error("ResourceNotFound"),
        // Each question but a listing is answered so, and that cannot be missing.
        error("BlobNotFound"),
    ];
    let looks = bodies.map(|body| async move {
        let store = store(answering("404 Not Found", "", &body).await);
        let file = key("shared/a");
        let listing = store.list_level(&key("shared")).try_collect::<Vec<_>>();
        let version = version("0x7");
        let (read, range, looked, listed, deleted) = tokio::join!(
            store.read(&file, 9),
            store.read_range(&file, 0, 9),
            store.stat(&file),
            listing,
            store.delete_if_unchanged(&file, &version),
        );
        let errors = [
            range.unwrap_err(),
            looked.unwrap_err(),
            listed.unwrap_err(),
            deleted.unwrap_err(),
        ];
        (body, read.unwrap_err(), errors)
    });
    for (body, read, errors) in join_all(looks).await {
        for error in errors {
            assert_eq!(error.category(), "unavailable", "{body}: {error}");
        }
        let is_said = body.contains("BlobNotFound");
        let category = if is_said { "not_found" } else { "unavailable" };
        assert_eq!(read.category(), category, "{body}: {read}");
    }
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let (elsewhere, asked_elsewhere) = noting(|_| ok(&page(""))).await;
    for status in ["302 Found", "307 Temporary Redirect"] {
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
    assert_eq!(*asked_elsewhere.lock().unwrap(), Vec::<String>::new());
}

/// What is said of one blob of one byte.
fn properties(etag: &str, more: &str) -> String {
    let headers =
        format!("ETag: \"{etag}\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n{more}");
    answer("200 OK", &headers, "")
}

fn version(etag: &str) -> Version {
    Version {
        size: 0,
        modified: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        etag: Some(etag.to_owned()),
    }
}

/// A store that heeds conditions, with one blob in it, or what `deleting` says of changing that.
async fn comparing(
    etag: &'static str,
    note: &'static str,
    deleting: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> (ObjectStorage, Asked) {
    let (endpoint, asked) = noting(move |asked| {
        let not_met = || refusal("412 Precondition Failed", "ConditionNotMet");
        if asked.starts_with("GET") && asked.contains("comp=list") {
            return ok(&page("").replace("flink/shared/", "flink/a/"));
        }
        if asked.starts_with("HEAD") {
            return properties(etag, note);
        }
        if asked.starts_with("DELETE") {
            if !asked.contains("flink-retention")
                && let Some(refusal) = deleting()
            {
                return refusal;
            }
            return match header(asked, "if-match") {
                Some(wanted) if wanted != format!("\"{etag}\"") => not_met(),
                Some(_) | None => answer("202 Accepted", "", ""),
            };
        }
        match header(asked, "if-none-match") {
            Some(_) => refusal("409 Conflict", "BlobAlreadyExists"),
            None => answer("201 Created", &format!("ETag: \"{etag}\"\r\n"), ""),
        }
    })
    .await;
    (store(endpoint), asked)
}

#[tokio::test]
async fn a_blob_goes_only_as_the_one_that_was_decided_on() {
    let (store, asked) = comparing("0x7", "", || None).await;
    let changed = store.delete_if_unchanged(&key("a"), &version("0x6")).await;
    let Deletion::Changed { found } = changed.unwrap() else {
        panic!("another etag is another blob");
    };
    assert_eq!(found.version, version("0x7"));
    let deleted = store.delete_if_unchanged(&key("a"), &version("0x7")).await;
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
            "DELETE /state1/container/flink%2Fa \"0x6\"",
            "DELETE /state1/container/flink%2Fa \"0x7\"",
        ]
        .map(|line| line.replace("%2F", "/"))
        .iter()
        .collect::<Vec<_>>()
    );
}

/// Their status is that of a condition that does not hold; taken for that, nobody would learn what to do.
#[tokio::test]
async fn what_protects_a_blob_is_said() {
    for (status, code, says) in [
        ("412 Precondition Failed", "LeaseIdMissing", "holds a lease"),
        ("409 Conflict", "SnapshotsPresent", "it has snapshots"),
        ("409 Conflict", "BlobImmutableDueToPolicy", "immutability"),
        ("409 Conflict", "BlobImmutableDueToLegalHold", "legal hold"),
        ("409 Conflict", "SomethingNew", "SomethingNew"),
    ] {
        let (store, _) = comparing("0x7", "", move || Some(refusal(status, code))).await;
        let deleted = store.delete_if_unchanged(&key("a"), &version("0x7")).await;
        let error = deleted.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// There a directory is a blob of its own, which listings show as an empty one, and no directory goes with what is in it.
#[tokio::test]
async fn a_directory_of_a_hierarchical_namespace_is_no_file() {
    const NOTE: &str = "x-ms-resource-type: directory\r\nx-ms-meta-hdi_isfolder: true\r\n";
    let directory = "<ResourceType>directory</ResourceType>";
    let listing = [
        blob_of("flink/shared/d", 0, directory),
        prefix("flink/shared/d/"),
        blob_of("flink/shared/e", 0, "<ResourceType>file</ResourceType>"),
        blob("flink/shared/f"),
    ];
    let listing = page(&listing.concat());
    let endpoint = serving(move |asked| {
        if asked.starts_with("HEAD") {
            let note = if asked.contains("shared/d") { NOTE } else { "" };
            return properties("0x7", note);
        }
        ok(&listing)
    });
    let mut entries: Vec<_> = listed(endpoint.await)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.key.to_string(), entry.kind))
        .collect();
    entries.sort();
    assert_eq!(
        entries,
        [
            ("shared/d".to_owned(), EntryKind::Directory),
            ("shared/e".to_owned(), EntryKind::File),
            ("shared/f".to_owned(), EntryKind::File),
        ]
    );

    let (store, asked) = comparing("0x7", NOTE, || None).await;
    let found = store.stat(&key("a")).await.unwrap().unwrap();
    assert_eq!(found.kind, EntryKind::Directory);
    let read = store.read_range(&key("a"), 0, 9).await.unwrap_err();
    assert_eq!(read.category(), "is_a_directory");
    let removed = store.remove_empty_directory(&key("a")).await;
    assert_eq!(removed.unwrap(), RemovedDirectory::Removed);
    let last = asked.lock().unwrap().last().cloned();
    assert_eq!(
        last.as_deref(),
        Some("DELETE /state1/container/flink/a \"0x7\"")
    );

    let not_empty = || Some(refusal("409 Conflict", "DirectoryIsNotEmpty"));
    let (store, _) = comparing("0x7", NOTE, not_empty).await;
    let error = store.remove_empty_directory(&key("a")).await.unwrap_err();
    assert!(error.to_string().contains("something in it"), "{error}");
}

#[tokio::test]
async fn a_busy_store_is_asked_again_and_a_forbidding_one_is_not() {
    let times = AtomicU32::new(0);
    let busy = serving(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => refusal("503 Server Busy", "ServerBusy"),
        _ => ok(&page(&blob("flink/shared/a"))),
    });
    assert_eq!(listed(busy.await).await.unwrap().len(), 1);
    let (forbidding, asked) = noting(|asked| {
        let status = "403 This request is not authorized to perform this operation";
        if asked.starts_with("HEAD") {
            return short_refusal(status, "AuthorizationPermissionMismatch");
        }
        refusal(status, "AuthorizationPermissionMismatch")
    })
    .await;
    let store = store(forbidding.clone());
    for error in [
        listed(forbidding).await.unwrap_err(),
        store.stat(&key("a")).await.unwrap_err(),
        store.read(&key("a"), 9).await.unwrap_err(),
    ] {
        assert_eq!(error.category(), "permission_denied", "{error}");
    }
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn whom_nobody_knows_is_told_so_and_his_signature_is_never_printed() {
    let endpoint = serving(|asked| {
        let line = asked.split(" HTTP/").next().unwrap();
        let body = format!(
            "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate {}</Message></Error>",
            line.replace('&', "&amp;")
        );
        let code = "x-ms-error-code: AuthenticationFailed\r\n";
        let body = if line.starts_with("HEAD") { "" } else { &body };
        answer("403 Forbidden", code, body)
    })
    .await;
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
        assert!(!text.contains("cHJpbnRlZC1uZXZlcg"), "{text}");
    }
}

/// The client writes the whole address into the error, signature and all.
#[tokio::test]
async fn who_does_not_answer_is_named_without_the_signature() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let error = store(endpoint.clone()).stat(&key("a")).await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains(&endpoint), "{text}");
    assert!(!text.contains("cHJpbnRlZC1uZXZlcg"), "{text}");
}

/// Requests are signed with a time, and to HEAD the store does not say that this is why.
#[tokio::test]
async fn a_clock_that_is_wrong_is_said_to_be() {
    let date = "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\nx-ms-error-code: AuthenticationFailed\r\n";
    let store = store(answering("403 Forbidden", date, "").await);
    let error = store.stat(&key("a")).await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    assert!(
        error.to_string().contains("clock of this machine"),
        "{error}"
    );
}

/// The client by itself would go on where it was, in what is there by now.
#[tokio::test]
async fn contents_that_break_off_are_read_anew() {
    let times = AtomicU32::new(0);
    let endpoint = serving(move |request| {
        assert!(header(request, "range").is_none(), "{request}");
        let is_first = times.fetch_add(1, Ordering::Relaxed) == 0;
        let (body, etag) = if is_first { ("aaaa", 6) } else { ("bbbb", 7) };
        let headers =
            format!("ETag: \"0x{etag}\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
        let mut answer = answer("200 OK", &headers, body);
        if is_first {
            answer.truncate(answer.len() - 2);
        }
        answer
    });
    let read = store(endpoint.await).read(&key("a"), 100).await.unwrap();
    assert_eq!(read.bytes, "bbbb");
    assert_eq!(read.version.etag.as_deref(), Some("0x7"));
}
