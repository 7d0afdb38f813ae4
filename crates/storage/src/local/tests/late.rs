//! What hung on its way to a deletion comes back when nobody means it any more.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::contract::volume::Volume;
use crate::local::delete;
use crate::local::resolve::{DELETED_WITHIN, Target};
use crate::port::{Deletion, Key, Operation, RemovedDirectory, Storage, StorageError};

#[tokio::test]
async fn what_was_asked_for_long_ago_is_not_deleted_any_more() {
    let volume = Volume::new().await;
    let (file, directory): (Key, Key) = ("d/a".parse().unwrap(), "e".parse().unwrap());
    fs::create_dir(volume.path(&"d".parse().unwrap())).unwrap();
    fs::write(volume.path(&file), "a").unwrap();
    fs::create_dir(volume.path(&directory)).unwrap();
    let version = volume.store.stat(&file).await.unwrap().unwrap().version;
    let asked = |operation, key: &Key, before: Duration| {
        let mut target = Target::new(Arc::clone(&volume.store.root), operation, key.clone());
        target.asked = Instant::now().checked_sub(before).unwrap();
        target
    };
    let late = DELETED_WITHIN + Duration::from_secs(1);

    let target = asked(Operation::Delete, &file, late);
    let error = delete::file_if_unchanged(&target, &version).unwrap_err();
    assert!(matches!(error, StorageError::TooLate { .. }), "{error}");
    assert!(error.to_string().contains("left alone"), "{error}");
    assert!(volume.path(&file).exists());
    let target = asked(Operation::RemoveDirectory, &directory, late);
    let error = delete::empty_directory(&target).unwrap_err();
    assert_eq!(error.category(), "no_answer");
    assert!(volume.path(&directory).exists());

    let target = asked(Operation::Delete, &file, Duration::ZERO);
    let deleted = delete::file_if_unchanged(&target, &version).unwrap();
    assert_eq!(deleted, Deletion::Deleted);
    let target = asked(Operation::RemoveDirectory, &directory, Duration::ZERO);
    let removed = delete::empty_directory(&target).unwrap();
    assert_eq!(removed, RemovedDirectory::Removed);
}
