//! Each kind of handle.

use flink_metadata::{Category, DirectoryOwner, Problem, Reference, Scope, Slot, parse, visit};

use super::{Bytes, Told, read, refused};

#[test]
fn merged_channels_and_wrong_directions() {
    let start = || Bytes::keyed(6).u8(0).u8(0).i32(1);
    let packed = Bytes::default().i32(1).i32(0).i32(3).i64(9).i32(1).i64(0).0;
    let merged = |tag| {
        start()
            .u8(tag)
            .i32(0)
            .i64(9)
            .relative("in", 20)
            .blob(&packed)
            .i32(0)
            .tail(6)
    };
    let (_, told) = read(&merged(3));
    assert_eq!(told.references[0].1, Slot::InputChannel);
    let problem = Problem::MisplacedTag {
        what: "channel state of this direction",
        tag: 4,
    };
    assert_eq!(*refused(&merged(4)).problem(), problem);
    assert_eq!(
        *refused(&merged(5)).problem(),
        Problem::UnknownTag {
            what: "channel state",
            tag: 5
        }
    );
    let mut longer = packed.clone();
    longer.push(0);
    let bytes = start()
        .u8(3)
        .i32(0)
        .i64(9)
        .relative("in", 20)
        .blob(&longer)
        .i32(0)
        .tail(6);
    assert_eq!(refused(&bytes).category(), Category::Corrupt);
}

#[test]
fn merged_operator_state_keeps_its_directories() {
    let segment = |bytes: Bytes| {
        bytes
            .u8(15)
            .i64(100)
            .i64(50)
            .i32(0)
            .utf("file:/t/physical")
            .utf("logical")
    };
    let state = |empty| {
        Bytes::one_operator(6, 1)
            .i32(0)
            .i32(1)
            .u8(17)
            .i32(0)
            .utf("file:/t")
            .utf("file:/s")
            .u8(empty)
    };
    let end = |bytes: Bytes| bytes.i32(0).u8(0).end_keyed(6);
    let (summary, told) = read(&end(segment(state(0))));
    assert!(summary.file_merging);
    let directory = |path: &'static str, owner| Reference::Directory {
        path: path.into(),
        owner,
    };
    let expected = [
        Reference::Segment {
            path: "file:/t/physical".into(),
            start: 100,
            size: Some(50),
            scope: Scope::Exclusive,
            logical_id: "logical".into(),
        },
        directory("file:/t", DirectoryOwner::TaskOwned),
        directory("file:/s", DirectoryOwner::Shared),
    ];
    assert_eq!(
        told.references
            .iter()
            .map(|told| told.0.clone())
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(expected[0].required_bytes(), Some(150));
    let (summary, told) = read(&end(state(1).u8(16)));
    assert_eq!(
        (summary.counts.empty_segments, told.references.len()),
        (1, 2)
    );
    let error = refused(&end(state(0).file("file:/x", 1)));
    assert_eq!(
        *error.problem(),
        Problem::MisplacedTag {
            what: "merged operator state",
            tag: 2
        }
    );
}

#[test]
fn finished_subtasks_and_operators_have_no_state() {
    let (summary, told) = read(&Bytes::one_operator(4, 1).i32(-2).tail(4));
    assert_eq!((summary.counts.subtasks, told.references.len()), (1, 0));
    let finished = Bytes::one_operator(4, -1).tail(4);
    assert!(parse(&finished.0).unwrap().operators[0].fully_finished);
    assert_eq!(
        refused(&Bytes::one_operator(2, -1)).category(),
        Category::Corrupt
    );
    assert_eq!(
        refused(&Bytes::one_operator(4, 1).i32(-3).tail(4)).category(),
        Category::Corrupt,
        "beyond"
    );
    let twice = Bytes::one_operator(4, 2).i32(-1).i32(-1).tail(4);
    assert_eq!(
        *refused(&twice).problem(),
        Problem::DuplicateSubtask { index: 0 }
    );
}

#[test]
fn coordinator_state_is_inline_or_nothing() {
    let header = || {
        Bytes::metadata(4)
            .i64(7)
            .i32(0)
            .i32(1)
            .raw(&[1; 16])
            .i32(2)
            .i32(128)
    };
    let (summary, told) = read(&header().inline(b"coordinator").i32(0).tail(4));
    assert_eq!(
        (summary.counts.inline_count, summary.counts.inline_bytes),
        (1, 11)
    );
    assert_eq!(
        (told.references.len(), told.inline),
        (0, vec![b"coordinator".to_vec()])
    );
    let error = refused(&header().file("file:/x", 1).i32(0).tail(4));
    assert_eq!(
        *error.problem(),
        Problem::MisplacedTag {
            what: "coordinator state",
            tag: 2
        }
    );
}

#[test]
fn handles_inside_of_operator_state_are_suspected() {
    let with = |data: &[u8]| {
        let bytes = Bytes::one_operator(4, 1)
            .i32(0)
            .i32(1)
            .u8(4)
            .i32(0)
            .inline(data);
        visit(&bytes.i32(0).u8(0).end_keyed(4).0, &mut Told::default())
            .unwrap()
            .may_hold_opaque_handles
    };
    assert!(with(
        b"..org.apache.flink.runtime.state.filesystem.FileStateHandle.."
    ));
    assert!(!with(
        b"..org.apache.flink.runtime.state.memory.ByteStreamStateHandle.."
    ));
}

#[test]
fn paths_are_text_or_an_error() {
    let with = |path: &[u8]| {
        Bytes::keyed(3)
            .u8(3)
            .key_groups()
            .i64(0)
            .i64(0)
            .u8(2)
            .i64(1)
            .raw_utf(path)
            .end_keyed(3)
    };
    let path = |bytes: &Bytes| read(bytes).1.references[0].0.path().to_owned();
    assert_eq!(
        path(&with("file:/a b%20é+中".as_bytes())),
        "file:/a b%20é+中"
    );
    assert_eq!(path(&with(b"file:/\xed\xa0\xbd\xed\xb8\x80")), "file:/😀");
    assert_eq!(
        refused(&with(b"file:/\xed\xa0\xbd")).category(),
        Category::UnusablePath
    );
    assert_eq!(refused(&with(b"file:/\xff")).category(), Category::Corrupt);
    assert_eq!(refused(&with(b"")).category(), Category::UnusablePath);
    let relative = |path| {
        Bytes::keyed(3)
            .u8(3)
            .key_groups()
            .i64(0)
            .i64(0)
            .relative(path, 1)
            .end_keyed(3)
    };
    for bad in [
        "", "/abs", "a/../b", "..", ".", "a//b", "a/", "s3://b/k", "x:y",
    ] {
        assert_eq!(
            refused(&relative(bad)).category(),
            Category::UnusablePath,
            "{bad}"
        );
    }
    assert_eq!(path(&relative("a/b")), "a/b");
}
