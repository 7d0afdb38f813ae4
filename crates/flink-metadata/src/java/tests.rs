//! Streams made by hand: what Flink's objects do not have, and what must be refused.

use super::{Graph, Node, Value, read_all};
use crate::cursor::Cursor;
use crate::error::{Category, Error, Problem};

/// A stream header and these parts.
fn stream(parts: &[&[u8]]) -> Vec<u8> {
    [&[0xac, 0xed, 0, 5][..]]
        .iter()
        .chain(parts)
        .flat_map(|part| part.iter().copied())
        .collect()
}

fn read(bytes: &[u8]) -> Result<Graph<'_>, Error> {
    let graph = read_all(&mut Cursor::new(bytes));
    if graph.is_ok() {
        for length in 0..bytes.len() {
            assert!(
                read_all(&mut Cursor::new(&bytes[..length])).is_err(),
                "cut to {length}"
            );
        }
    }
    graph
}

fn refused(parts: &[&[u8]]) -> Error {
    read(&stream(parts)).unwrap_err()
}

/// The description of a class without annotations: name, flags, fields, then its parent.
fn class(name: &str, flags: u8, fields: &[&[u8]], parent: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x72, 0, u8::try_from(name.len()).unwrap()];
    bytes.extend(name.as_bytes());
    bytes.extend([0; 8]);
    bytes.push(flags);
    bytes.extend([0, u8::try_from(fields.len()).unwrap()]);
    bytes.extend(fields.iter().flat_map(|field| field.iter().copied()));
    bytes.push(0x78);
    bytes.extend(parent);
    bytes
}

const NO_PARENT: &[u8] = &[0x70];
const TEXT_A: &[u8] = &[0x74, 0, 1, b'a'];

#[test]
fn null_is_a_stream() {
    assert_eq!(read(&stream(&[&[0x70]])).unwrap().root(), Value::Null);
}

#[test]
fn fields_of_parent_and_child() {
    let parent = class("P", 2, &[b"J\0\x01x", b"I\0\x01y"], NO_PARENT);
    let child = class(
        "C",
        3,
        &[b"J\0\x01x", b"Z\0\x01z", b"L\0\x01t\x74\0\x01T"],
        &parent,
    );
    let fields = [
        &[0, 0, 0, 0, 0, 0, 0, 1][..],
        &[0; 4],
        &[0, 0, 0, 0, 0, 0, 0, 2],
        &[1],
        TEXT_A,
    ]
    .concat();
    // Block data, an object, long block data, end.
    let written = [&[0x77, 2, 9, 9][..], TEXT_A, &[0x7a, 0, 0, 0, 1, 9, 0x78]].concat();
    let bytes = stream(&[&[0x73], &child, &fields, &written]);
    let graph = read(&bytes).unwrap();
    let object = graph.object(graph.root()).unwrap();
    assert_eq!(graph.class_name(object), "C");
    assert!(graph.is_a(object, "P") && !graph.is_a(object, "Q"));
    assert_eq!(
        graph.field(object, "x"),
        Some(Value::Long(2)),
        "the child's own"
    );
    assert_eq!(graph.field(object, "y"), Some(Value::Other));
    assert_eq!(graph.field(object, "z"), Some(Value::Bool(true)));
    assert_eq!(graph.field(object, "missing"), None);
    assert_eq!(
        graph
            .text(graph.field(object, "t").unwrap())
            .unwrap()
            .as_ascii(),
        "a"
    );
    assert_eq!(
        object
            .values()
            .filter(|value| graph.text(*value).is_some())
            .count(),
        2
    );
}

#[test]
fn arrays_enums_classes_and_long_strings() {
    let array =
        |name, elements: &[u8]| [&[0x75][..], &class(name, 2, &[], NO_PARENT), elements].concat();
    read(&stream(&[&array(
        "[J",
        &[&[0, 0, 0, 2][..], &[0; 16]].concat(),
    )]))
    .unwrap();
    let bytes = stream(&[&array(
        "[LT;",
        &[&[0, 0, 0, 2][..], TEXT_A, &[0x70]].concat(),
    )]);
    let graph = read(&bytes).unwrap();
    let Value::Object(handle) = graph.root() else {
        panic!("no array")
    };
    assert!(
        matches!(graph.node(handle), Some(Node::Array { elements, .. }) if elements.len() == 2)
    );
    let bytes = stream(&[&[0x7e], &class("E", 0x12, &[], NO_PARENT), TEXT_A]);
    let graph = read(&bytes).unwrap();
    assert_eq!(graph.enum_constant(graph.root()), Some(("E", "a")));
    read(&stream(&[&[0x76], &class("C", 2, &[], NO_PARENT)])).unwrap();
    let bytes = stream(&[&[0x7c, 0, 0, 0, 0, 0, 0, 0, 2], b"ab"]);
    let graph = read(&bytes).unwrap();
    assert_eq!(graph.text(graph.root()).unwrap().as_ascii(), "ab");
}

#[test]
fn nothing_may_follow() {
    assert_eq!(
        *refused(&[TEXT_A, &[0x70]]).problem(),
        Problem::TrailingBytes { count: 1 }
    );
}

#[test]
fn sizes_are_bounded_by_the_bytes_left() {
    let array =
        |name, elements: &[u8]| [&[0x75][..], &class(name, 2, &[], NO_PARENT), elements].concat();
    for name in ["[B", "[J", "[LT;", "[[B"] {
        let error = refused(&[&array(name, &[0x7f, 0xff, 0xff, 0xff, 0x70])]);
        assert_eq!(error.category(), Category::Truncated, "{name}");
        assert_eq!(
            refused(&[&array(name, &[0xff; 4])]).category(),
            Category::Corrupt,
            "{name}"
        );
    }
    assert_eq!(
        refused(&[&[0x7c], &[0xff; 8]]).category(),
        Category::Truncated
    );
    assert_eq!(
        refused(&[&[0x7c], &[0x7f; 8]]).category(),
        Category::Truncated
    );
}

#[test]
fn depth_is_limited() {
    // An array in an array in an array ...
    let first = [
        &[0x75][..],
        &class("[LT;", 2, &[], NO_PARENT),
        &[0, 0, 0, 1],
    ]
    .concat();
    let inner = [0x75, 0x71, 0, 0x7e, 0, 0, 0, 0, 0, 1].repeat(100_000);
    assert_eq!(
        *refused(&[&first, &inner]).problem(),
        Problem::TooDeep { limit: 100 }
    );
    let inner = [0x75, 0x71, 0, 0x7e, 0, 0, 0, 0, 0, 1].repeat(90);
    read(&stream(&[&first, &inner, &[0x70]])).unwrap();
    // A long line of ancestors.
    let ancestors = (0..60).fold(NO_PARENT.to_vec(), |parent, _| class("C", 2, &[], &parent));
    assert_eq!(
        *refused(&[&ancestors]).problem(),
        Problem::TooDeep { limit: 30 }
    );
}

#[test]
fn a_class_cannot_be_its_own_ancestor() {
    let itself = [0x71, 0, 0x7e, 0, 0];
    let error = refused(&[&[0x73], &class("C", 2, &[], &itself)]);
    assert_eq!(error.category(), Category::Corrupt);
}

#[test]
fn what_cannot_be_read_to_its_end_is_refused() {
    for (name, parts) in [
        ("header", vec![0x70]),
        ("unknown element", stream(&[&[0x6f]])),
        ("reset", stream(&[&[0x79]])),
        ("exception", stream(&[&[0x7b]])),
        ("proxy", stream(&[&[0x7d, 0, 0, 0, 0]])),
        ("forward reference", stream(&[&[0x71, 0, 0x7e, 0, 0]])),
        ("low reference", stream(&[&[0x71, 0, 0, 0, 0]])),
        ("object without class", stream(&[&[0x73, 0x70]])),
        ("text as class", stream(&[&[0x73], TEXT_A])),
        (
            "old externalizable",
            stream(&[&[0x73], &class("C", 4, &[], NO_PARENT)]),
        ),
        (
            "not serializable",
            stream(&[&[0x73], &class("C", 0, &[b"I\0\x01y"], NO_PARENT), &[0; 4]]),
        ),
        (
            "field type",
            stream(&[&class("C", 2, &[b"Q\0\x01y"], NO_PARENT)]),
        ),
        (
            "boolean",
            stream(&[&[0x73], &class("C", 2, &[b"Z\0\x01y"], NO_PARENT), &[2]]),
        ),
        (
            "unnamed constant",
            stream(&[&[0x7e], &class("E", 0x12, &[], NO_PARENT), &[0x70]]),
        ),
    ] {
        assert!(read(&parts).is_err(), "{name}");
    }
    read(&stream(&[
        &[0x73],
        &class("C", 0x0c, &[], NO_PARENT),
        &[0x77, 1, 9, 0x78],
    ]))
    .unwrap();
}
