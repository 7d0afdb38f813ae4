use bytes::Bytes;
use futures::future::join_all;

use super::{Fixture, contents, key, list, list_names};
use crate::port::{Entry, Put};

pub async fn what_is_there_is_not_overwritten(fixture: &dyn Fixture) {
    let store = fixture.store();
    let (epoch, foreign) = (key("owner/1"), key("owner/2"));
    fixture.write(&foreign, b"theirs").await;
    assert_eq!(
        store.put_if_absent(&epoch, "first".into()).await.unwrap(),
        Put::Created
    );
    assert_eq!(
        store.put_if_absent(&epoch, "second".into()).await.unwrap(),
        Put::Exists
    );
    assert_eq!(
        store.put_if_absent(&foreign, "ours".into()).await.unwrap(),
        Put::Exists
    );
    assert_eq!(contents(&*store, &epoch).await, b"first");
    assert_eq!(contents(&*store, &foreign).await, b"theirs");
}

pub async fn of_many_writers_one_creates(fixture: &dyn Fixture) {
    for round in 0..10 {
        let epoch = key(&format!("owner/{round}"));
        let writers = (0..32).map(|writer| {
            let (store, epoch) = (fixture.store(), epoch.clone());
            tokio::spawn(async move {
                store
                    .put_if_absent(&epoch, Bytes::from(vec![writer; 4096]))
                    .await
            })
        });
        let puts: Vec<Put> = join_all(writers)
            .await
            .into_iter()
            .map(|put| put.unwrap().unwrap())
            .collect();
        let winners: Vec<usize> = (0..32)
            .filter(|writer| puts[*writer] == Put::Created)
            .collect();
        assert_eq!(
            winners.len(),
            1,
            "writers {winners:?} all believe that they created {epoch}"
        );
        let written = contents(&*fixture.store(), &epoch).await;
        assert_eq!(written, vec![u8::try_from(winners[0]).unwrap(); 4096]);
    }
}

pub async fn a_reader_never_sees_a_part(fixture: &dyn Fixture) {
    const LENGTH: usize = 100_000;
    let store = fixture.store();
    let marks = key("marks");
    store
        .replace(&marks, Bytes::from(vec![0; LENGTH]))
        .await
        .unwrap();
    let writer = tokio::spawn({
        let (store, marks) = (fixture.store(), marks.clone());
        async move {
            for round in 1..=50 {
                store
                    .replace(&marks, Bytes::from(vec![round; LENGTH]))
                    .await
                    .unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let seen = contents(&*store, &marks).await;
        assert_eq!(seen.len(), LENGTH);
        assert!(
            seen.iter().all(|byte| *byte == seen[0]),
            "bytes of two versions in one reading"
        );
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert_eq!(contents(&*store, &marks).await, vec![50; LENGTH]);
}

pub async fn missing_directories_are_made(fixture: &dyn Fixture) {
    let store = fixture.store();
    store
        .put_if_absent(&key(".flink-retention/owner/1"), "a".into())
        .await
        .unwrap();
    store
        .replace(&key(".flink-retention/marks/job/x"), "b".into())
        .await
        .unwrap();
    assert_eq!(
        list_names(&*store, ".flink-retention").await,
        ["marks", "owner"]
    );
    assert_eq!(
        contents(&*store, &key(".flink-retention/marks/job/x")).await,
        b"b"
    );
}

pub async fn no_partial_file_is_left(fixture: &dyn Fixture) {
    let store = fixture.store();
    for _ in 0..2 {
        store
            .put_if_absent(&key("owner/1"), "a".into())
            .await
            .unwrap();
        store
            .replace(&key("owner/marks"), "b".into())
            .await
            .unwrap();
    }
    let entries = list(&*store, &key("owner")).await.unwrap();
    assert!(!entries.iter().any(Entry::is_partial_write), "{entries:?}");
    assert_eq!(entries.len(), 2);
}
