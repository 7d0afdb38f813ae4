use super::{Fixture, key, version};
use crate::port::StorageError;

pub async fn the_limit_is_exact(fixture: &dyn Fixture) {
    let store = fixture.store();
    let (file, empty) = (key("chk-1/_metadata"), key("chk-1/empty"));
    fixture.write(&file, b"0123456789").await;
    fixture.write(&empty, b"").await;
    assert_eq!(store.read(&file, 10).await.unwrap().bytes, "0123456789");
    assert_eq!(store.read(&empty, 0).await.unwrap().bytes, "");
    let error = store.read(&file, 9).await.unwrap_err();
    assert!(
        matches!(
            error,
            StorageError::TooLarge {
                size: 10,
                limit: 9,
                ..
            }
        ),
        "{error}"
    );
}

pub async fn ranges_end_with_the_file(fixture: &dyn Fixture) {
    let store = fixture.store();
    let file = key("file");
    fixture.write(&file, b"0123456789").await;
    for (offset, length, expected) in [
        (0, 10, "0123456789"),
        (0, 3, "012"),
        (4, 2, "45"),
        (8, 10, "89"),
        (10, 1, ""),
        (11, 1, ""),
        (3, 0, ""),
        (u64::MAX, u64::MAX, ""),
        (1, u64::MAX, "123456789"),
    ] {
        let read = store.read_range(&file, offset, length).await.unwrap();
        assert_eq!(read.bytes, expected, "{length} bytes from {offset} on");
        assert_eq!(read.version.size, 10);
    }
}

pub async fn contents_come_with_their_version(fixture: &dyn Fixture) {
    let store = fixture.store();
    let file = key("file");
    fixture.write(&file, b"old").await;
    let old = store.read(&file, 100).await.unwrap();
    assert_eq!(old.version, version(&*store, &file).await);
    super::overwrite_visibly(fixture, &file, b"new").await;
    let new = store.read(&file, 100).await.unwrap();
    assert_eq!(new.version, version(&*store, &file).await);
    assert_ne!(new.version, old.version);
    assert!(new.version.is_verifiable());
}
