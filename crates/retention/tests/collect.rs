//! What is read of a `_metadata` for the plan, beside what the parser says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retention::inventory::{Contents, SnapshotKind};
use retention::location::{Location, Origin};
use retention::reference::{CollectError, ParsedSnapshot, ReferenceTable, Required};
use rstest::rstest;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Not where the samples were written: absolute paths lead away from it, relative ones into it.
const HOME: &str = "file:/copies/chk-1";

/// A real file of Flink, small.
fn sample(name: &str) -> Vec<u8> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/metadata");
    let path = format!("{directory}/{name}");
    fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn at(path: &str) -> Location {
    Location::parse(path, &Origin::default()).unwrap()
}

fn read(bytes: &[u8]) -> Result<ParsedSnapshot, CollectError> {
    ParsedSnapshot::read(bytes, &at(HOME), &Origin::default())
}

/// Every file, with the length that it must have at least.
fn expected(bytes: &[u8]) -> BTreeMap<String, Required> {
    let contents = flink_metadata::Contents::read(bytes, Some(HOME)).unwrap();
    let files = contents.files.iter().map(|file| {
        let required = match file.size.filter(|_| !file.changelog) {
            Some(size) => Required(size),
            None => Required::PRESENT,
        };
        (&file.path, required)
    });
    let segments = contents.segments.iter().map(|segment| {
        let end = segment.offset + segment.size.unwrap_or_default();
        (&segment.path, Required(end))
    });
    let mut expected = BTreeMap::new();
    for (path, required) in files.chain(segments) {
        let known = expected.entry(at(path).to_string()).or_insert(required);
        *known = required.max(*known);
    }
    expected
}

const PLAIN: Contents = Contents {
    changelog: false,
    file_merging: false,
    forst: false,
};

#[rstest]
#[case("1.13.6-canonical-savepoint", PLAIN)]
#[case("1.13.6-unaligned", PLAIN)]
#[case("1.15.4-changelog", Contents { changelog: true, ..PLAIN })]
#[case("1.17.2-native-savepoint", PLAIN)]
#[case("1.17.2-rocksdb-incremental", PLAIN)]
#[case("1.20.5-merging-across", Contents { file_merging: true, ..PLAIN })]
#[case("2.1.3-changelog", Contents { changelog: true, ..PLAIN })]
#[case("2.3.0-forst", Contents { forst: true, ..PLAIN })]
#[case("2.3.0-merging-within", Contents { file_merging: true, ..PLAIN })]
#[case("2.3.0-weird-path", PLAIN)]
fn every_file_that_the_parser_names_is_kept(#[case] name: &str, #[case] contents: Contents) {
    let bytes = sample(name);
    let parsed = read(&bytes).unwrap();
    let mut table = ReferenceTable::default();
    let references = parsed.insert_into(&mut table);
    let kept = references.iter().map(|reference| {
        let location = table.location(reference.file).unwrap();
        (location.to_string(), reference.required)
    });
    let kept: BTreeMap<String, Required> = kept.collect();
    let expected = expected(&bytes);
    assert_eq!(kept, expected);
    assert_eq!(references.len(), expected.len(), "each once");
    assert!(!expected.is_empty());

    let mut directories: BTreeSet<Location> =
        expected.keys().map(|path| at(path).parent()).collect();
    directories.insert(at(HOME));
    let named: BTreeSet<Location> = parsed.directories().iter().cloned().collect();
    assert_eq!(named, directories);
    assert_eq!(parsed.directories().first(), Some(&at(HOME)));

    assert_eq!(parsed.contents, contents);
    let savepoint = name.contains("savepoint") || name.contains("weird");
    let kind = if savepoint {
        SnapshotKind::Savepoint
    } else {
        SnapshotKind::Checkpoint
    };
    // Versions before 4 do not say it.
    assert!(parsed.kind.is_none_or(|told| told == kind), "{name}");
    assert_eq!(parsed.kind.is_none(), parsed.format_version < 4);
}

fn refused(bytes: &[u8]) -> (&'static str, bool) {
    let error = read(bytes).unwrap_err();
    (error.category(), error.is_torn())
}

#[test]
fn torn_is_only_what_ends_early_and_is_of_a_known_version() {
    let whole = sample("2.3.0-forst");
    assert_eq!(refused(&whole[..whole.len() / 2]), ("format", true));
    assert_eq!(refused(&whole[..8]), ("format", true));
    assert_eq!(refused(&whole[..6]), ("format", false), "of no version");
    assert_eq!(refused(b""), ("format", false));

    let mut newer = whole.clone();
    newer[7] = 99;
    assert_eq!(refused(&newer), ("format", false));
    assert_eq!(refused(&newer[..20]), ("format", false));

    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(refused(&longer), ("format", false), "damaged otherwise");
}

#[test]
fn one_file_at_no_place_makes_the_whole_snapshot_unreadable() {
    let mut bytes = sample("2.3.0-forst");
    let absolute = b"file:/data";
    let found = bytes.windows(absolute.len()).position(|at| at == absolute);
    bytes[found.unwrap() + 5] = b'_';
    assert_eq!(refused(&bytes), ("location", false));
}
