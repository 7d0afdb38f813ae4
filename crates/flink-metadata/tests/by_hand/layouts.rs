//! Versions and layouts that the corpora lack.

use flink_metadata::{Category, KeyedPart, Reference, Slot, StoredLength, parse};

use super::{Bytes, changelog, file, read, refused};

/// The example of the format's description, byte for byte, in versions 3 to 6.
#[test]
fn the_worked_example() {
    for version in [3, 4, 5, 6] {
        let bytes = Bytes::metadata(version).i64(7).i32(0).i32(1);
        let bytes = if version >= 5 {
            bytes.utf("src").utf("u1")
        } else {
            bytes
        };
        let bytes = bytes
            .raw(&[
                1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
            ])
            .i32(1)
            .i32(128)
            .u8(0)
            .i32(1)
            .i32(0)
            .i32(0)
            .i32(0)
            .u8(12)
            .i32(0)
            .i32(1)
            .i64(16)
            .relative("f", 42)
            .utf("h")
            .end_keyed(version);
        if version == 3 {
            assert_eq!(bytes.0.len(), 106);
        }
        let (summary, told) = read(&bytes);
        assert_eq!(
            (summary.version, summary.checkpoint_id, summary.properties),
            (version, 7, None)
        );
        let expected = Reference::RelativeFile {
            path: "f".into(),
            length: StoredLength::Exact(42),
        };
        assert_eq!(
            told.references,
            [(expected, Slot::KeyedState(KeyedPart::KeyGroups), false)]
        );
        let operator = &parse(&bytes.0).unwrap().operators[0];
        assert_eq!(operator.id.to_string(), "01020304050607081112131415161718");
        assert_eq!(operator.name.as_deref(), (version >= 5).then_some("src"));
        assert_eq!(operator.uid.as_deref(), (version >= 5).then_some("u1"));
    }
}

#[test]
fn version_2_with_master_state_and_the_first_incremental_handle() {
    let bytes = Bytes::metadata(2)
        .i64(5)
        .i32(1)
        .raw(&[0xc9, 0x6b, 0x16, 0x96])
        .blob(&Bytes::default().i32(2).utf("h").blob(&[1]).0)
        .i32(1)
        .raw(&[1; 16])
        .i32(2)
        .i32(128)
        .i32(1)
        .i32(2)
        // Subtask 1 before subtask 0: the order is arbitrary.
        .i32(1)
        .i64(-1)
        .i32(0)
        .i32(1)
        .u8(4)
        .i32(1)
        .utf("s")
        .u8(2)
        .i32(2)
        .i64(0)
        .i64(4)
        .file("file:/op", 8)
        .i32(0)
        .u8(0)
        .u8(0)
        .i32(0)
        .i64(-1)
        .i32(0)
        .i32(0)
        .i32(0)
        .u8(5)
        .i64(5)
        .utf("backend")
        .key_groups()
        .file("file:/meta", 1)
        .i32(1)
        .utf("1.sst")
        .file("file:/shared", 2)
        .i32(1)
        .utf("CURRENT")
        .file("file:/private", -1)
        .u8(3)
        .key_groups()
        .i64(0)
        .i64(9)
        .file("file:/raw", 10);
    let (summary, told) = read(&bytes);
    assert_eq!((summary.version, summary.checkpoint_id), (2, 5));
    assert!(summary.operator_state_in_files && !summary.may_hold_opaque_handles);
    let unknown = Reference::File {
        path: "file:/private".into(),
        length: StoredLength::Unknown,
    };
    let expected = [
        (file("file:/op", 8), Slot::OperatorState, false),
        (
            file("file:/meta", 1),
            Slot::KeyedState(KeyedPart::IncrementalMeta),
            false,
        ),
        (
            file("file:/shared", 2),
            Slot::KeyedState(KeyedPart::IncrementalShared),
            false,
        ),
        (
            unknown,
            Slot::KeyedState(KeyedPart::IncrementalPrivate),
            false,
        ),
        (
            file("file:/raw", 10),
            Slot::RawKeyedState(KeyedPart::KeyGroups),
            false,
        ),
    ];
    assert_eq!(told.references, expected);
    let master = &parse(&bytes.0).unwrap().master_states[0];
    assert_eq!(
        (master.name.as_str(), master.version, master.bytes),
        ("h", 2, 1)
    );
}

/// Changelog handles in their first form, with or without what Flink 1.15 added.
fn first_changelog(since_1_15: bool) -> Bytes {
    let long = |bytes: Bytes, value| if since_1_15 { bytes.i64(value) } else { bytes };
    let id = |bytes: Bytes| if since_1_15 { bytes.utf("id") } else { bytes };
    let bytes = long(Bytes::keyed(3).u8(8).key_groups(), 11).i32(2);
    let bytes = bytes
        .u8(0)
        .u8(5)
        .i64(1)
        .utf("backend")
        .key_groups()
        .file("file:/taskowned/m", 3)
        .i32(0)
        .i32(0);
    let bytes = bytes.i32(2);
    let bytes = id(bytes
        .u8(9)
        .key_groups()
        .i64(1)
        .i64(2)
        .i32(1)
        .i32(-1)
        .blob(b"change"));
    let bytes = bytes
        .u8(10)
        .key_groups()
        .i32(1)
        .i64(100)
        .file("file:/dstl", 50)
        .i64(50);
    let bytes = id(long(bytes, 50));
    id(long(bytes, 4)).end_keyed(3)
}

#[test]
fn changelog_of_1_14_and_of_1_15_share_tags() {
    for since_1_15 in [false, true] {
        let bytes = first_changelog(since_1_15);
        let (summary, told) = read(&bytes);
        assert!(summary.changelog);
        let expected = [
            (
                file("file:/taskowned/m", 3),
                Slot::KeyedState(KeyedPart::IncrementalMeta),
                true,
            ),
            (
                changelog("file:/dstl", 50),
                Slot::KeyedState(KeyedPart::Changelog),
                false,
            ),
        ];
        assert_eq!(told.references, expected, "since 1.15: {since_1_15}");
        assert_eq!(
            told.references[1].0.required_bytes(),
            Some(1),
            "it can be compressed"
        );
        assert_eq!(
            (
                summary.counts.changelog_stream_handles,
                summary.counts.changelog_memory_handles
            ),
            (1, 1)
        );
    }
}

#[test]
fn only_version_3_has_the_layout_of_1_14() {
    let mut bytes = first_changelog(false);
    bytes.0[7] = 4;
    let bytes = bytes.tail(4);
    assert_eq!(refused(&bytes).version(), Some(4));
}

/// A handle id that is also raw keyed state to a reader of the 1.14 layout.
#[test]
fn a_file_that_reads_in_two_layouts_is_refused() {
    let mut id = vec![0; 0x0900];
    let mut put = |at: usize, value: i32| id[at..at + 4].copy_from_slice(&value.to_be_bytes());
    // The high byte of the length is the tag, the low byte the first one of the range's start; then one key group,
    // two sequence numbers, and two changes that reach to one byte beyond the id.
    put(3, 1);
    put(23, 2);
    put(31, 112);
    put(151, 2150);
    let bytes = Bytes::keyed(3)
        .u8(9)
        .key_groups()
        .i64(0)
        .i64(0)
        .i32(0)
        .raw_utf(&id)
        .end_keyed(3);
    let error = refused(&bytes);
    assert_eq!(
        (error.category(), error.version()),
        (Category::Ambiguous, Some(3))
    );
}

#[test]
fn channels_of_1_11_have_no_subtask() {
    for since_1_12 in [false, true] {
        let subtask = |bytes: Bytes| if since_1_12 { bytes.i32(0) } else { bytes };
        let bytes = Bytes::keyed(3).u8(0).u8(0).i32(1);
        let bytes = subtask(bytes)
            .i32(0)
            .i32(1)
            .i32(1)
            .i64(4)
            .i64(10)
            .relative("in", 20);
        let bytes = subtask(bytes.i32(1))
            .i32(0)
            .i32(0)
            .i32(2)
            .i64(0)
            .i64(5)
            .i64(10)
            .relative("out", 20);
        let (summary, told) = read(&bytes);
        assert_eq!(summary.counts.channel_handles, 2);
        let paths: Vec<_> = told
            .references
            .iter()
            .map(|(reference, slot, _)| (reference.path(), *slot))
            .collect();
        assert_eq!(
            paths,
            [
                ("in", Slot::InputChannel),
                ("out", Slot::ResultSubpartition)
            ]
        );
        let subtasks = &parse(&bytes.0).unwrap().operators[0].subtasks;
        assert_eq!(
            subtasks[0].input_channels[0].subtask,
            since_1_12.then_some(0)
        );
    }
}
