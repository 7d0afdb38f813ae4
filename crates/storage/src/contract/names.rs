use super::{Fixture, contents, key, list_names, version};
use crate::port::Deletion;

pub async fn names_are_taken_literally(fixture: &dyn Fixture) {
    let store = fixture.store();
    // The two spellings of é are different names, as are the blank and its two usual encodings.
    let names = [
        "a b",
        "a%20b",
        "a+b",
        "caf\u{e9}",
        "cafe\u{301}",
        "100%",
        "a?b",
        "a#b",
        "x=1&y",
    ];
    for name in names {
        fixture
            .write(&key("dir").join(name).unwrap(), name.as_bytes())
            .await;
    }
    let mut left: Vec<&str> = names.to_vec();
    left.sort_unstable();
    assert_eq!(list_names(&*store, "dir").await, left);
    for name in names {
        let key = key("dir").join(name).unwrap();
        assert_eq!(contents(&*store, &key).await, name.as_bytes());
        let version = version(&*store, &key).await;
        assert_eq!(
            store.delete_if_unchanged(&key, &version).await.unwrap(),
            Deletion::Deleted
        );
        left.retain(|other| *other != name);
        if !left.is_empty() {
            assert_eq!(list_names(&*store, "dir").await, left);
        }
    }
}

pub async fn hidden_files_are_seen(fixture: &dyn Fixture) {
    let store = fixture.store();
    for path in [
        "chk-9/_metadata",
        "chk-9/._metadata.inprogress.0b1c",
        "chk-9/.hidden/file",
        "chk-9/...",
    ] {
        fixture.write(&key(path), b"x").await;
    }
    let names = list_names(&*store, "chk-9").await;
    assert_eq!(
        names,
        ["...", "._metadata.inprogress.0b1c", ".hidden", "_metadata"]
    );
}
