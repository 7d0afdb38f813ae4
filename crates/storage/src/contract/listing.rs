use futures::StreamExt;

use super::{Fixture, begin_listing, key, list, list_names};
use crate::port::{EntryKind, Key};

pub async fn many_entries_come_once_each(fixture: &dyn Fixture) {
    let store = fixture.store();
    let directory = key("shared");
    let names: Vec<String> = (0..fixture.many())
        .map(|number| format!("{number:06}"))
        .collect();
    fixture.write_many(&directory, &names).await;
    let expected: Vec<Key> = names
        .iter()
        .map(|name| directory.join(name).unwrap())
        .collect();
    let entries = list(&*store, &key("shared")).await.unwrap();
    assert!(
        entries.iter().map(|entry| &entry.key).eq(&expected),
        "{} entries listed",
        entries.len()
    );
    assert!(
        entries
            .iter()
            .all(|entry| entry.kind == EntryKind::File && entry.version.size == 1)
    );
}

pub async fn entries_below_are_not_listed(fixture: &dyn Fixture) {
    let store = fixture.store();
    for path in [
        "job/shared/a",
        "job/shared-2",
        "job/shared.x/b",
        "job2/c",
        "top",
    ] {
        fixture.write(&key(path), b"x").await;
    }
    assert_eq!(list_names(&*store, "").await, ["job", "job2", "top"]);
    assert_eq!(
        list_names(&*store, "job").await,
        ["shared", "shared-2", "shared.x"]
    );
    assert_eq!(list_names(&*store, "job/shared").await, ["a"]);
}

/// Flink deletes while we list. What stays must come, and what goes must not be an error.
pub async fn files_that_vanish_meanwhile_are_left_out(fixture: &dyn Fixture) {
    let store = fixture.store();
    let directory = key("shared");
    let files = fixture.many().min(5000);
    let names: Vec<String> = (0..files).map(|number| format!("{number:04}")).collect();
    fixture.write_many(&directory, &names).await;
    let mut listing = begin_listing(&*store, &directory).await;
    for number in (0..files).filter(|number| number % 100 != 0) {
        fixture
            .remove(&directory.join(&format!("{number:04}")).unwrap())
            .await;
    }
    let mut staying = 1;
    while let Some(entry) = listing.next().await {
        let entry = entry.expect("a vanished file is no error");
        let number: usize = entry.key.file_name().unwrap().parse().unwrap();
        staying += usize::from(number.is_multiple_of(100));
    }
    assert!(
        (files / 100..=files / 100 + 1).contains(&staying),
        "{staying} of the {} files that stay were listed",
        files / 100
    );
}
