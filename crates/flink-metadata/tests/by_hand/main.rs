//! Small files made by hand: layouts and tags that the corpora lack, and what must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use flink_metadata::{
    Error, Origin, Reference, Slot, StoredLength, Summary, Visitor, parse, visit,
};

mod handles;
mod layouts;
mod refused;
#[path = "../common/writer.rs"]
mod writer;

use writer::Bytes;

/// What a visitor is told, one line each.
#[derive(Default)]
struct Told {
    references: Vec<(Reference<'static>, Slot, bool)>,
    inline: Vec<Vec<u8>>,
}

impl Visitor for Told {
    fn reference(&mut self, reference: Reference<'_>, origin: &Origin) {
        self.references
            .push((reference.into_owned(), origin.slot, origin.materialized));
    }

    fn inline(&mut self, inline: flink_metadata::Inline<'_>, _: &Origin) {
        self.inline.push(inline.bytes.to_vec());
    }
}

fn read(bytes: &Bytes) -> (Summary, Told) {
    let mut told = Told::default();
    let summary = visit(&bytes.0, &mut told).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(parse(&bytes.0).unwrap().summary, summary);
    for length in 0..bytes.0.len() {
        assert!(
            visit(&bytes.0[..length], &mut Told::default()).is_err(),
            "cut to {length}"
        );
    }
    (summary, told)
}

fn refused(bytes: &Bytes) -> Error {
    let error = visit(&bytes.0, &mut Told::default()).unwrap_err();
    assert_eq!(parse(&bytes.0).unwrap_err(), error);
    error
}

fn file(path: &'static str, size: u64) -> Reference<'static> {
    Reference::File {
        path: path.into(),
        length: StoredLength::Exact(size),
    }
}

fn changelog(path: &'static str, size: u64) -> Reference<'static> {
    Reference::File {
        path: path.into(),
        length: StoredLength::Changelog(Some(size)),
    }
}
