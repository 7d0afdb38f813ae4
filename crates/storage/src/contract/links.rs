use super::{
    FileSystemFixture, OUTSIDE_DIRECTORY, OUTSIDE_FILE, begin_listing, key, list, list_names,
};
use crate::port::{Deletion, EntryKind, Key, Storage, StorageError, Version};
use crate::walk::{Descend, Walk};

pub async fn a_link_is_only_a_link(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let link = key("job/shared");
    fixture.link_outside(&link).await;
    assert_eq!(
        list(&*store, &key("job")).await.unwrap()[0].kind,
        EntryKind::Symlink
    );
    let found = store.stat(&link).await.unwrap().unwrap();
    assert_eq!(found.kind, EntryKind::Symlink);
    let deletion = store
        .delete_if_unchanged(&link, &found.version)
        .await
        .unwrap();
    assert_eq!(deletion, Deletion::Changed { found });
    for error in [
        list(&*store, &link).await.unwrap_err(),
        store.read(&link, 10).await.unwrap_err(),
        store.remove_empty_directory(&link).await.unwrap_err(),
    ] {
        assert_eq!(error.category(), "symlink_in_path", "{error}");
    }
    assert_eq!(list_names(&*store, "job").await, ["shared"]);
    assert!(fixture.outside_is_untouched().await);
}

pub async fn nothing_goes_through_a_link(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let link = key("job/shared");
    fixture.link_outside(&link).await;
    for error in everything_fails_below(&*store, &link).await {
        assert_eq!(error.category(), "symlink_in_path", "{error}");
        assert!(
            error.to_string().contains(&store.location(&link)),
            "{error}"
        );
    }
    assert!(fixture.outside_is_untouched().await);
}

/// The same after the store has seen a true directory there.
pub async fn a_directory_replaced_by_a_link_is_not_followed(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    let directory = key("job/shared");
    for number in 0..fixture.many().min(3000) {
        fixture
            .write(&directory.join(&format!("{number}")).unwrap(), b"x")
            .await;
    }
    let listing = begin_listing(&*store, &directory).await;
    fixture.remove(&directory).await;
    fixture.link_outside(&directory).await;
    let rest: Vec<_> = futures::StreamExt::collect(listing).await;
    assert!(
        rest.last().is_some_and(Result::is_err),
        "the directory is gone, and its listing ended well"
    );
    for error in everything_fails_below(&*store, &directory).await {
        assert_eq!(error.category(), "symlink_in_path", "{error}");
    }
    assert!(fixture.outside_is_untouched().await);
}

async fn everything_fails_below(store: &dyn Storage, link: &Key) -> Vec<StorageError> {
    let file = link.join(OUTSIDE_FILE).unwrap();
    let directory = link.join(OUTSIDE_DIRECTORY).unwrap();
    let version = Version {
        size: 8,
        modified: Some(jiff::Timestamp::UNIX_EPOCH),
        etag: None,
    };
    vec![
        list(store, &directory).await.unwrap_err(),
        store.stat(&file).await.unwrap_err(),
        store.read(&file, 100).await.unwrap_err(),
        store.read_range(&file, 0, 100).await.unwrap_err(),
        store
            .delete_if_unchanged(&file, &version)
            .await
            .unwrap_err(),
        store.remove_empty_directory(&directory).await.unwrap_err(),
        store
            .put_if_absent(&link.join("new").unwrap(), "x".into())
            .await
            .unwrap_err(),
        store
            .put_if_absent(&key(&format!("{link}/new/below")), "x".into())
            .await
            .unwrap_err(),
        store.replace(&file, "x".into()).await.unwrap_err(),
    ]
}

pub async fn a_cycle_ends(fixture: &dyn FileSystemFixture) {
    let store = fixture.store();
    fixture.write(&key("job/shared/a"), b"x").await;
    fixture.link_to_root(&key("job/shared/loop")).await;
    let mut seen = Vec::new();
    let complete = Walk::new(&*store, Key::root()).run(|entry| {
        seen.push(entry.key.to_string());
        Descend::Yes
    });
    assert_eq!(complete.await.unwrap().directories, 3);
    seen.sort();
    assert_eq!(
        seen,
        ["job", "job/shared", "job/shared/a", "job/shared/loop"]
    );
}
