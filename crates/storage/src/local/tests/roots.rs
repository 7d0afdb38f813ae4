use std::fs;
use std::os::unix::fs::symlink;

use futures::TryStreamExt;

use crate::contract::Fixture;
use crate::contract::volume::Volume;
use crate::local::LocalStorage;
use crate::port::{Entry, Key, Storage};

#[tokio::test]
async fn a_root_that_is_missing_or_a_file_is_named_in_the_error() {
    let volume = Volume::new().await;
    volume.write(&Key::parse("file").unwrap(), b"x").await;
    for (path, category, hint) in [
        ("missing", "not_found", "check the spelling"),
        ("file", "not_a_directory", "name a directory"),
    ] {
        let path = volume.root().join(path);
        let error = LocalStorage::open(&path).await.unwrap_err();
        assert_eq!(error.category(), category);
        let message = error.to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains(hint),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_root_that_is_a_link_is_resolved_once() {
    let volume = Volume::new().await;
    volume.write(&Key::parse("file").unwrap(), b"x").await;
    let link = volume.outside().join("link");
    symlink(volume.root(), &link).unwrap();
    let store = LocalStorage::open(&link).await.unwrap();
    assert_eq!(store.root_path(), volume.root().canonicalize().unwrap());
    fs::remove_file(&link).unwrap();
    symlink("/", &link).unwrap();
    assert_eq!(list(&store).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_root_that_leads_in_a_circle_is_an_error() {
    let volume = Volume::new().await;
    let link = volume.outside().join("circle");
    symlink(&link, &link).unwrap();
    assert_eq!(
        LocalStorage::open(&link).await.unwrap_err().category(),
        "symlink_in_path"
    );
}

/// As after an unmount: the same path, another directory, empty. It must not pass for a complete listing.
#[tokio::test]
async fn a_root_that_was_replaced_is_not_an_empty_store() {
    let volume = Volume::new().await;
    let file = Key::parse("file").unwrap();
    volume.write(&file, b"x").await;
    fs::rename(volume.root(), volume.outside().join("moved")).unwrap();
    for replace in [
        |_: &std::path::Path| (),
        |root: &std::path::Path| fs::create_dir(root).unwrap(),
    ] {
        replace(&volume.root());
        assert_eq!(
            list(&volume.store).await.unwrap_err().category(),
            "root_changed"
        );
        assert_eq!(
            volume.store.stat(&file).await.unwrap_err().category(),
            "root_changed"
        );
        let put = volume.store.put_if_absent(&file, "x".into()).await;
        assert_eq!(put.unwrap_err().category(), "root_changed");
    }
    assert_eq!(fs::read_dir(volume.root()).unwrap().count(), 0);
}

async fn list(store: &LocalStorage) -> Result<Vec<Entry>, crate::StorageError> {
    store.list_level(&Key::root()).try_collect().await
}
