//! What must be refused, and how it is said.

use flink_metadata::{Category, Problem};

use super::{Bytes, read, refused};

#[test]
fn state_of_flink_1_1_is_refused() {
    let bytes = Bytes::one_operator(2, 1)
        .i32(0)
        .i64(-1)
        .i32(1)
        .file("file:/old", 1)
        .i32(0)
        .i32(0)
        .u8(0)
        .u8(0);
    let error = refused(&bytes);
    assert_eq!(error.category(), Category::UnsupportedVersion);
    assert_eq!(error.field(), "operators[0].subtasks[0].legacyStateCount");
}

#[test]
fn a_changelog_holds_nothing_but_increments() {
    let bytes = Bytes::keyed(4).u8(14).key_groups().i64(0).i32(0).i32(1);
    let bytes = bytes.u8(3).key_groups().i64(0).i64(0).file("file:/x", 1);
    let error = refused(&bytes.i64(0).i64(0).utf("id").end_keyed(4));
    assert_eq!(
        *error.problem(),
        Problem::MisplacedTag {
            what: "changelog increment",
            tag: 3
        }
    );
    assert_eq!(
        error.field(),
        "operators[0].subtasks[0].managedKeyedState.nonMaterialized[0]"
    );
}

#[test]
fn other_versions_are_refused_with_a_hint() {
    for (version, hint) in [
        (0, "older"),
        (1, "older"),
        (7, "newer"),
        (i32::MAX, "newer"),
        (-1, "2 to 6"),
    ] {
        let error = refused(&Bytes::metadata(version).i64(1).i32(0).i32(0));
        assert_eq!(
            (error.category(), error.version(), error.offset()),
            (Category::UnsupportedVersion, Some(version), 4)
        );
        assert!(error.to_string().contains(hint), "{error}");
    }
    let error = refused(&Bytes::default().raw(b"PK\x03\x04 not metadata"));
    assert_eq!(
        (error.category(), error.version()),
        (Category::NotMetadata, None)
    );
    assert_eq!(refused(&Bytes::default()).category(), Category::Truncated);
}

#[test]
fn unknown_tags_are_errors_with_their_place() {
    let error = refused(&Bytes::keyed(4).u8(18).end_keyed(4));
    assert_eq!(
        *error.problem(),
        Problem::UnknownTag {
            what: "keyed state",
            tag: 18
        }
    );
    assert_eq!(
        error.to_string(),
        "unknown keyed state tag 18 (at byte 65, field operators[0].subtasks[0].managedKeyedState, metadata version 4)"
    );
    let shared = |tag: u8| {
        let bytes = Bytes::keyed(6)
            .u8(11)
            .i64(1)
            .utf("b")
            .key_groups()
            .i64(0)
            .file("file:/m", 1);
        bytes
            .i32(1)
            .utf("1.sst")
            .u8(tag)
            .i32(0)
            .utf("id")
            .end_keyed(6)
    };
    for tag in [4, 5, 7, 14, 17, 255] {
        let error = refused(&shared(tag));
        assert_eq!(
            *error.problem(),
            Problem::UnknownTag {
                what: "stream handle",
                tag
            }
        );
        assert_eq!(
            error.field(),
            "operators[0].subtasks[0].managedKeyedState.sharedState[0]"
        );
    }
    let state = Bytes::one_operator(4, 1)
        .i32(0)
        .i32(1)
        .u8(5)
        .i32(0)
        .u8(0)
        .end_keyed(4);
    assert_eq!(
        *refused(&state).problem(),
        Problem::UnknownTag {
            what: "operator state",
            tag: 5
        }
    );
}

#[test]
fn counts_are_bounded_by_the_bytes_left() {
    let error = refused(&Bytes::metadata(6).i64(1).i32(0).i32(i32::MAX));
    assert_eq!(
        (error.category(), error.field().as_str()),
        (Category::Truncated, "operators")
    );
    let error = refused(&Bytes::metadata(6).i64(1).i32(i32::MAX));
    assert_eq!(
        (error.category(), error.field().as_str()),
        (Category::Truncated, "masterStates")
    );
    let error = refused(&Bytes::metadata(6).i64(1).i32(0).i32(-1));
    assert_eq!(
        (error.category(), error.field().as_str()),
        (Category::Corrupt, "operators")
    );
    let error = refused(&Bytes::keyed(4).u8(3).i32(0).i32(32_769).end_keyed(4));
    assert_eq!(error.category(), Category::Corrupt);
    assert!(error.to_string().contains("key groups"), "{error}");
}

#[test]
fn nesting_is_limited() {
    let nested = |levels| {
        let bytes = (0..levels).fold(
            Bytes::keyed(3).u8(3).key_groups().i64(0).i64(0),
            |bytes, _| bytes.u8(3).key_groups().i64(0).i64(0),
        );
        bytes.file("file:/x", 1).end_keyed(3)
    };
    assert_eq!(read(&nested(3)).1.references.len(), 1);
    assert_eq!(
        *refused(&nested(8)).problem(),
        Problem::TooDeep { limit: 8 }
    );
    assert_eq!(
        *refused(&nested(1000)).problem(),
        Problem::TooDeep { limit: 8 }
    );
}

#[test]
fn anything_after_the_end_is_an_error() {
    for version in [3, 4] {
        let error = refused(&Bytes::one_operator(version, 0).tail(version).u8(0));
        assert_eq!(*error.problem(), Problem::TrailingBytes { count: 1 });
    }
    let missing = refused(&Bytes::one_operator(4, 0));
    assert_eq!(
        (missing.category(), missing.field().as_str()),
        (Category::Truncated, "properties")
    );
}
