use std::time::Duration;

use futures::StreamExt;

use super::{FileSystemFixture, begin_listing, contents, key, list, list_names, version};
use crate::port::{Deletion, EntryKind, Key, RemovedDirectory};

pub async fn empty_directories_are_seen_and_can_go(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let directory = key("job/chk-4");
    fixture.make_directory(&directory).await;
    assert_eq!(list(&*store, &directory).await.unwrap(), []);
    assert_eq!(
        store.stat(&directory).await.unwrap().unwrap().kind,
        EntryKind::Directory
    );
    assert_eq!(
        list(&*store, &key("job")).await.unwrap()[0].kind,
        EntryKind::Directory
    );
    assert_eq!(
        store.stat(&Key::root()).await.unwrap().unwrap().kind,
        EntryKind::Directory
    );
    assert_eq!(
        store.remove_empty_directory(&directory).await.unwrap(),
        RemovedDirectory::Removed
    );
    assert_eq!(
        store.remove_empty_directory(&directory).await.unwrap(),
        RemovedDirectory::AlreadyGone
    );
    assert_eq!(list_names(&*store, "").await, ["job"]);
}

pub async fn a_directory_with_anything_in_it_stays(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    fixture.write(&key("a/.hidden"), b"x").await;
    fixture.make_directory(&key("b/empty")).await;
    for directory in ["a", "b"] {
        let removed = store.remove_empty_directory(&key(directory)).await.unwrap();
        assert_eq!(removed, RemovedDirectory::NotEmpty);
    }
    assert_eq!(contents(&*store, &key("a/.hidden")).await, b"x");
    assert_eq!(list_names(&*store, "b").await, ["empty"]);
}

pub async fn a_directory_is_not_a_file(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let directory = key("chk-5");
    fixture.make_directory(&directory).await;
    let version = version(&*store, &directory).await;
    let deletion = store
        .delete_if_unchanged(&directory, &version)
        .await
        .unwrap();
    assert!(matches!(deletion, Deletion::Changed { found } if found.kind == EntryKind::Directory));
    assert_eq!(
        store.read(&directory, 10).await.unwrap_err().category(),
        "is_a_directory"
    );
    assert_eq!(
        store
            .read_range(&directory, 0, 10)
            .await
            .unwrap_err()
            .category(),
        "is_a_directory"
    );
    assert_eq!(
        store
            .replace(&directory, "x".into())
            .await
            .unwrap_err()
            .category(),
        "is_a_directory"
    );
    assert_eq!(list(&*store, &directory).await.unwrap(), []);
}

pub async fn a_file_is_not_a_directory(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    fixture
        .write(&key("job/shared"), b"a file of this name")
        .await;
    let (file, below) = (key("job/shared"), key("job/shared/x"));
    let version = version(&*store, &file).await;
    for error in [
        list(&*store, &file).await.unwrap_err(),
        list(&*store, &below).await.unwrap_err(),
        store.stat(&below).await.unwrap_err(),
        store.read(&below, 10).await.unwrap_err(),
        store
            .delete_if_unchanged(&below, &version)
            .await
            .unwrap_err(),
        store.remove_empty_directory(&file).await.unwrap_err(),
        store.remove_empty_directory(&below).await.unwrap_err(),
        store.put_if_absent(&below, "x".into()).await.unwrap_err(),
        store.replace(&below, "x".into()).await.unwrap_err(),
    ] {
        assert_eq!(error.category(), "not_a_directory", "{error}");
        assert!(
            error.to_string().contains(&store.location(&file)),
            "{error}"
        );
    }
    assert_eq!(contents(&*store, &file).await, b"a file of this name");
}

pub async fn a_missing_directory_is_an_error(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    for directory in ["missing", "missing/below"] {
        let mut listing = store.list_level(&key(directory));
        let error = listing.next().await.unwrap().unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(
            listing.next().await.is_none(),
            "a listing ends with its first error"
        );
    }
}

/// Not the end of a listing but its failure: the files may have moved to where we have been already.
pub async fn a_directory_removed_while_it_is_listed_is_an_error(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let directory = key("chk-6");
    for number in 0..fixture.many().min(5000) {
        fixture
            .write(&directory.join(&format!("{number}")).unwrap(), b"x")
            .await;
    }
    let mut listing = begin_listing(&*store, &directory).await;
    fixture.remove(&directory).await;
    let end = loop {
        match listing.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    assert!(
        end.as_ref().is_some_and(crate::StorageError::is_not_found),
        "the listing ended with {end:?}"
    );
}

pub async fn a_pipe_is_never_opened(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let pipe = key("chk-7/_metadata");
    fixture.make_pipe(&pipe).await;
    let entries = list(&*store, &key("chk-7")).await.unwrap();
    assert_eq!(entries[0].kind, EntryKind::Other);
    let reading = tokio::time::timeout(Duration::from_secs(20), store.read(&pipe, 10)).await;
    assert_eq!(
        reading
            .expect("reading a pipe hangs")
            .unwrap_err()
            .category(),
        "not_a_file"
    );
    let deletion = store
        .delete_if_unchanged(&pipe, &entries[0].version)
        .await
        .unwrap();
    assert!(matches!(deletion, Deletion::Changed { .. }));
    assert_eq!(list_names(&*store, "chk-7").await, ["_metadata"]);
}
