//! What a worker says that lies, or has a defect: it is an error, whatever it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use storage::{Entry, Key, Storage, StorageError, Version};
use tonic::server::{Grpc, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::connection::Connection;
use crate::fence::Term;
use crate::message::{self, Answer, Told};
use crate::remote::RemoteStorage;

/// Says this to the second question, after its introduction.
#[derive(Clone)]
struct Liar(Arc<Mutex<Vec<Vec<Told>>>>);

impl StreamingService<message::Request> for Liar {
    type Response = Answer;
    type ResponseStream = BoxStream<'static, Result<Answer, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Streaming<message::Request>>) -> Self::Future {
        let told = self.0.lock().unwrap().pop().unwrap_or_default();
        let answers = told.into_iter().map(|told| Ok(Answer { told: Some(told) }));
        async { Ok(Response::new(stream::iter(answers).boxed())) }.boxed()
    }
}

fn introduction() -> message::Introduction {
    message::Introduction {
        clock_millis: 1,
        roots: vec![message::Root {
            name: "volume".to_owned(),
            location: "/volume".to_owned(),
            deletes_atomically: false,
            real_directories: true,
            modified_resolution_nanos: 1,
        }],
    }
}

async fn told(told: Vec<Told>) -> RemoteStorage {
    let liar = Liar(Arc::new(Mutex::new(vec![
        told,
        vec![Told::Introduction(introduction())],
    ])));
    let (near, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let liar = liar.clone();
            let codec = ProstCodec::<Answer, message::Request>::default();
            async move { Ok::<_, Infallible>(Grpc::new(codec).streaming(liar, request).await) }
        });
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(near), service)
            .await
    });
    let term = Term {
        lease: "a".to_owned(),
        number: 1,
    };
    let connection = Connection::open(TokioIo::new(far), Some(term))
        .await
        .unwrap();
    connection.root("volume").unwrap()
}

fn version() -> message::Version {
    message::Version {
        size: 1,
        modified: Some(message::Time {
            seconds: 1,
            nanos: 0,
        }),
        etag: None,
    }
}

fn entry(name: &str) -> message::Entry {
    message::Entry {
        name: name.to_owned(),
        kind: message::Kind::File.into(),
        version: Some(version()),
    }
}

fn entries(names: &[&str]) -> Told {
    let entries = names.iter().map(|name| entry(name)).collect();
    Told::Entries(message::Entries { entries })
}

fn end(entries: u64) -> Told {
    Told::End(message::End { entries })
}

async fn listed(answers: Vec<Told>) -> Result<Vec<Entry>, StorageError> {
    let storage = told(answers).await;
    storage
        .list_level(&"dir".parse().unwrap())
        .try_collect()
        .await
}

#[tokio::test]
async fn a_listing_that_only_ends_is_not_complete() {
    let whole = listed(vec![entries(&["a"]), entries(&["b"]), end(2)])
        .await
        .unwrap();
    assert_eq!(whole[1].key, "dir/b".parse::<Key>().unwrap());
    assert_eq!(listed(vec![end(0)]).await.unwrap(), []);
    for answers in [
        vec![],
        vec![entries(&[])],
        vec![entries(&["a"])],
        vec![entries(&["a"]), end(2)],
        vec![entries(&["a", "b"]), end(1)],
        vec![Told::Found(message::Found { entry: None })],
    ] {
        let error = listed(answers.clone()).await.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{answers:?}: {error}");
    }
}

#[tokio::test]
async fn an_entry_is_in_its_directory_and_whole() {
    let mut kindless = entry("a");
    kindless.kind = 0;
    let mut unknown = entry("a");
    unknown.kind = 77;
    let mut unversioned = entry("a");
    unversioned.version = None;
    let mut untimely = entry("a");
    untimely.version = Some(message::Version {
        modified: Some(message::Time {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..version()
    });
    let elsewhere = ["", ".", "..", "../x", "a/b", "/a", "a\0"].map(entry);
    for entry in elsewhere
        .into_iter()
        .chain([kindless, unknown, unversioned, untimely])
    {
        let some = Told::Entries(message::Entries {
            entries: vec![entry.clone()],
        });
        let error = listed(vec![some, end(1)]).await.unwrap_err();
        assert!(
            error.to_string().contains("makes no sense"),
            "{entry:?}: {error}"
        );
    }
}

fn contents(length: u64) -> Told {
    Told::Contents(message::Contents {
        length,
        version: Some(version()),
    })
}

fn part(length: usize) -> Told {
    Told::Part(message::Part {
        bytes: Bytes::from(vec![1; length]),
    })
}

#[tokio::test]
async fn a_file_has_as_many_bytes_as_were_announced_and_no_more_than_asked_for() {
    let read = async |answers: Vec<Told>| {
        let storage = told(answers).await;
        storage.read(&"a".parse().unwrap(), 10).await
    };
    let whole = read(vec![contents(10), part(4), part(6)]).await.unwrap();
    assert_eq!(whole.bytes.len(), 10);
    for answers in [
        vec![],
        vec![part(10)],
        vec![contents(10)],
        vec![contents(10), part(9)],
        vec![contents(10), part(0), part(10)],
        vec![contents(10), part(11)],
        vec![contents(11), part(11)],
        vec![contents(u64::MAX), part(10)],
        vec![contents(10), end(0)],
        // Longer than any message may be.
        vec![contents(10), part(1024 * 1024)],
        vec![Told::Contents(message::Contents {
            length: 0,
            version: None,
        })],
    ] {
        let error = read(answers).await.unwrap_err();
        assert_eq!(error.category(), "unavailable", "{error}");
    }
}

#[tokio::test]
async fn nothing_is_absent_or_gone_because_it_was_left_out() {
    let key: Key = "a".parse().unwrap();
    let expected = Version {
        size: 1,
        modified: Some(Timestamp::UNIX_EPOCH),
        etag: None,
    };
    let deleted = |deleted: i32, found| Told::Deletion(message::Deletion { deleted, found });
    for answers in [
        vec![],
        vec![deleted(0, None)],
        vec![deleted(9, None)],
        vec![deleted(message::DeletionOutcome::Changed.into(), None)],
        vec![deleted(
            message::DeletionOutcome::Deleted.into(),
            Some(entry("a")),
        )],
        vec![Told::Removed(0)],
        vec![Told::Put(0)],
        vec![Told::Failure(message::Failure {
            cause: 0,
            detail: String::new(),
            amount: 0,
        })],
        vec![Told::Failure(message::Failure {
            cause: 99,
            detail: "x".repeat(100_000),
            amount: 0,
        })],
    ] {
        let errors = [
            told(answers.clone())
                .await
                .stat(&key)
                .await
                .map(|_| ())
                .unwrap_err(),
            told(answers.clone())
                .await
                .delete_if_unchanged(&key, &expected)
                .await
                .map(|_| ())
                .unwrap_err(),
            told(answers.clone())
                .await
                .remove_empty_directory(&key)
                .await
                .map(|_| ())
                .unwrap_err(),
            told(answers.clone())
                .await
                .put_if_absent(&key, "x".into())
                .await
                .map(|_| ())
                .unwrap_err(),
            told(answers.clone())
                .await
                .replace(&key, "x".into())
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.category(), "unavailable", "{answers:?}: {error}");
            assert!(error.to_string().len() < 6000);
        }
    }
}
