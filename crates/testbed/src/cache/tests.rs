#![allow(clippy::unwrap_used)]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Error, Key, artefact_in};

fn make(cache: &Path, key: &Key, built: &AtomicUsize) -> Result<String, Error> {
    let directory = artefact_in(cache, "thing", key, "building the thing", |directory| {
        built.fetch_add(1, Ordering::SeqCst);
        fs::write(directory.join("part"), "whole")
    })?;
    Ok(fs::read_to_string(directory.join("part")).unwrap())
}

#[test]
fn many_ask_and_one_builds() {
    let cache = tempfile::tempdir().unwrap();
    let built = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                assert_eq!(
                    make(cache.path(), &Key::new().text("v1"), &built).unwrap(),
                    "whole"
                );
            });
        }
    });
    assert_eq!(built.load(Ordering::SeqCst), 1);
}

#[test]
fn another_ingredient_is_another_artefact() {
    let cache = tempfile::tempdir().unwrap();
    let built = AtomicUsize::new(0);
    make(cache.path(), &Key::new().text("ab").text("c"), &built).unwrap();
    make(cache.path(), &Key::new().text("a").text("bc"), &built).unwrap();
    assert_eq!(built.load(Ordering::SeqCst), 2);
}

#[test]
fn a_failed_build_leaves_nothing_to_be_mistaken_for_a_finished_one() {
    let cache = tempfile::tempdir().unwrap();
    let key = Key::new();
    let error = artefact_in(
        cache.path(),
        "thing",
        &key,
        "building the thing",
        |directory| {
            fs::write(directory.join("part"), "half")?;
            Err(io::Error::other("disk full"))
        },
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "cannot build thing: disk full");
    assert_eq!(
        make(cache.path(), &key, &AtomicUsize::new(0)).unwrap(),
        "whole"
    );
}
