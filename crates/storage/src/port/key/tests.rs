#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::Key;

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

#[test]
fn names_are_taken_literally() {
    for name in [
        "a b",
        "a%20b",
        "a+b",
        "é",
        "e\u{301}",
        "._metadata.inprogress.1",
        "a\\b",
        "...",
        "~",
        "a\nb",
    ] {
        assert_eq!(key(name).as_str(), name);
        assert_eq!(Key::root().join(name).unwrap(), key(name));
    }
}

#[test]
fn paths_that_could_lead_outside_are_refused() {
    for path in [
        "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/.", "a/\0", "\0",
    ] {
        let error = Key::parse(path).expect_err(path).to_string();
        assert!(error.contains("write it as"), "{error}");
    }
    for name in ["", ".", "..", "a/b", "\0"] {
        key("x").join(name).expect_err(name);
    }
}

#[test]
fn the_root_is_above_everything() {
    assert_eq!(key("a").parent(), Some(Key::root()));
    assert_eq!(Key::root().parent(), None);
    assert_eq!(Key::root().file_name(), None);
    assert_eq!(Key::root().segments().count(), 0);
    assert!(key("a/b").starts_with(&Key::root()));
}

#[test]
fn a_common_beginning_of_names_is_not_an_ancestor() {
    assert!(!key("chk-10/x").starts_with(&key("chk-1")));
    assert_eq!(
        key("chk-1/x/y").relative_to(&key("chk-1")),
        Some(key("x/y"))
    );
    assert_eq!(key("chk-1").relative_to(&key("chk-1")), Some(Key::root()));
}

proptest! {
    #[test]
    fn whatever_parses_survives_taking_apart(path in "[a-c./\\PC]{0,24}") {
        if let Ok(parsed) = Key::parse(&path) {
            let rebuilt = parsed.segments().try_fold(Key::root(), |key, segment| key.join(segment)).unwrap();
            prop_assert_eq!(&rebuilt, &parsed);
            prop_assert_eq!(parsed.as_str(), path);
            if let (Some(parent), Some(name)) = (parsed.parent(), parsed.file_name()) {
                prop_assert_eq!(parent.join(name).unwrap(), parsed);
            }
        }
    }
}
