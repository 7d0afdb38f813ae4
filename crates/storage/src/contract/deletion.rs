use super::{Fixture, contents, is_absent, key, list_names, overwrite_visibly, version};
use crate::port::{Deletion, Key, Version};

pub async fn an_unchanged_file_goes_and_nothing_else(fixture: &dyn Fixture) {
    let store = fixture.store();
    for path in ["shared/a", "shared/a.b", "shared/ab", "shared2/a"] {
        fixture.write(&key(path), b"x").await;
    }
    let file = key("shared/a");
    let version = version(&*store, &file).await;
    assert_eq!(
        store.delete_if_unchanged(&file, &version).await.unwrap(),
        Deletion::Deleted
    );
    assert!(is_absent(
        &store.delete_if_unchanged(&file, &version).await.unwrap()
    ));
    assert_eq!(list_names(&*store, "shared").await, ["a.b", "ab"]);
    assert_eq!(list_names(&*store, "shared2").await, ["a"]);
}

pub async fn a_replaced_file_stays(fixture: &dyn Fixture) {
    let store = fixture.store();
    let file = key("chk-3/_metadata");
    fixture.write(&file, b"old").await;
    let old = version(&*store, &file).await;
    overwrite_visibly(fixture, &file, b"new").await;
    let Deletion::Changed { found } = store.delete_if_unchanged(&file, &old).await.unwrap() else {
        panic!("a file that was replaced was deleted");
    };
    assert_eq!(found, store.stat(&file).await.unwrap().unwrap());
    assert_eq!(contents(&*store, &file).await, b"new");
}

/// All but the size is as expected; what marks the contents (an etag) cannot be the same then.
pub async fn a_file_of_another_size_stays(fixture: &dyn Fixture) {
    let store = fixture.store();
    let file = key("shared/a");
    fixture.write(&file, b"five!").await;
    let before = version(&*store, &file).await;
    overwrite_visibly(fixture, &file, b"four").await;
    let expected = Version {
        modified: version(&*store, &file).await.modified,
        ..before
    };
    assert!(matches!(
        store.delete_if_unchanged(&file, &expected).await.unwrap(),
        Deletion::Changed { .. }
    ));
    assert_eq!(contents(&*store, &file).await, b"four");
}

pub async fn a_size_alone_deletes_nothing(fixture: &dyn Fixture) {
    let store = fixture.store();
    let file = key("shared/a");
    fixture.write(&file, b"four").await;
    let expected = Version {
        size: 4,
        modified: None,
        etag: None,
    };
    let error = store
        .delete_if_unchanged(&file, &expected)
        .await
        .unwrap_err();
    assert_eq!(error.category(), "unverifiable");
    assert_eq!(contents(&*store, &file).await, b"four");
}

pub async fn the_root_cannot_go(fixture: &dyn Fixture) {
    let store = fixture.store();
    let version = Version {
        size: 0,
        modified: Some(jiff::Timestamp::UNIX_EPOCH),
        etag: None,
    };
    let root = Key::root();
    assert_eq!(
        store
            .delete_if_unchanged(&root, &version)
            .await
            .unwrap_err()
            .category(),
        "is_root"
    );
    assert_eq!(
        store
            .remove_empty_directory(&root)
            .await
            .unwrap_err()
            .category(),
        "is_root"
    );
    assert_eq!(
        store
            .put_if_absent(&root, "x".into())
            .await
            .unwrap_err()
            .category(),
        "is_root"
    );
    assert_eq!(
        store
            .replace(&root, "x".into())
            .await
            .unwrap_err()
            .category(),
        "is_root"
    );
    assert_eq!(
        store.read(&root, 1).await.unwrap_err().category(),
        "is_a_directory"
    );
}
