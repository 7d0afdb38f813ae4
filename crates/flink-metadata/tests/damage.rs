//! Damaged files: cut, flipped, with bytes put in. Nothing may panic, hang, or pass for what it is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::sync::LazyLock;
use std::thread;

use flink_metadata::ha::{parse_blob, parse_pointer};
use flink_metadata::{Contents, Origin, Reference, Visitor, parse, visit};
use proptest::prelude::*;
use testbed::corpus;

/// Real files of less than 8 KB, each content once.
static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut files = Vec::new();
    for entry in corpus::entries().unwrap() {
        for tree in entry.trees() {
            for metadata in entry.truth(tree).unwrap().metadata {
                if metadata.facts.is_some() && metadata.file_size < 8 * 1024 {
                    files.push(fs::read(entry.tree(tree).join(&metadata.metadata)).unwrap());
                }
            }
        }
    }
    files.sort();
    files.dedup();
    files
});

/// Objects of HA storage.
static HA: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let entry = corpus::entry("2.1.3", "kubernetes-ha-failover").unwrap();
    let dir = entry.tree(corpus::Tree::Left).join("ha/default");
    fs::read_dir(dir)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
});

/// Checks that what it is told is well-formed.
#[derive(Default)]
struct Check {
    references: Vec<Reference<'static>>,
}

impl Visitor for Check {
    fn reference(&mut self, reference: Reference<'_>, origin: &Origin) {
        assert!(!reference.path().is_empty());
        if let Reference::RelativeFile { path, .. } = &reference {
            assert!(
                path.split('/').all(|part| !matches!(part, "" | "." | "..")),
                "{path}"
            );
        }
        assert!(origin.subtask.is_none_or(|subtask| subtask < 32_768));
        self.references.push(reference.into_owned());
    }
}

#[test]
fn every_cut_of_every_small_file_is_an_error() {
    assert!(SMALL.len() > 400, "{} small files", SMALL.len());
    thread::scope(|scope| {
        for files in SMALL.chunks(SMALL.len().div_ceil(4)) {
            scope.spawn(move || {
                for file in files {
                    for length in 0..file.len() {
                        assert!(
                            Contents::read(&file[..length], None).is_err(),
                            "{length} of {}",
                            file.len()
                        );
                    }
                }
            });
        }
    });
}

#[test]
fn every_byte_more_is_an_error() {
    for file in SMALL.iter() {
        for byte in [0, 0x70, 0x78, 0xff] {
            let mut longer = file.clone();
            longer.push(byte);
            assert!(visit(&longer, &mut Check::default()).is_err());
        }
    }
}

#[derive(Debug, Clone)]
enum Damage {
    Flip {
        at: prop::sample::Index,
        mask: u8,
    },
    Set {
        at: prop::sample::Index,
        to: [u8; 4],
    },
    Cut {
        from: prop::sample::Index,
        length: usize,
    },
    Insert {
        at: prop::sample::Index,
        bytes: Vec<u8>,
    },
    Repeat {
        from: prop::sample::Index,
        length: usize,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let extreme = prop::sample::select(vec![
        [0xff; 4],
        [0x7f, 0xff, 0xff, 0xff],
        [0x80, 0, 0, 0],
        [0; 4],
        [0, 0, 0x80, 0],
    ]);
    prop_oneof![
        (at(), 1..=255u8).prop_map(|(at, mask)| Damage::Flip { at, mask }),
        (at(), extreme).prop_map(|(at, to)| Damage::Set { at, to }),
        (at(), 1..64usize).prop_map(|(from, length)| Damage::Cut { from, length }),
        (at(), prop::collection::vec(any::<u8>(), 1..64))
            .prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        (at(), 1..2048usize).prop_map(|(from, length)| Damage::Repeat { from, length }),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let end = |from: usize, length: usize| (from + length).min(bytes.len());
    match damage {
        Damage::Flip { at, mask } => {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        Damage::Set { at, to } => {
            let at = at.index(bytes.len());
            let end = end(at, 4);
            bytes[at..end].copy_from_slice(&to[..end - at]);
        }
        Damage::Cut { from, length } => {
            let from = from.index(bytes.len());
            let end = end(from, *length);
            bytes.drain(from..end);
        }
        Damage::Insert {
            at,
            bytes: inserted,
        } => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, inserted.iter().copied());
        }
        Damage::Repeat { from, length } => {
            let from = from.index(bytes.len());
            let part = bytes[from..end(from, *length)].to_vec();
            bytes.splice(from..from, part);
        }
    }
}

fn read_all_ways(bytes: &[u8]) {
    let mut check = Check::default();
    let visited = visit(bytes, &mut check);
    let parsed = parse(bytes);
    // Both ways read alike.
    assert_eq!(visited.as_ref().err(), parsed.as_ref().err());
    if let (Ok(summary), Ok(metadata)) = (visited, parsed) {
        assert_eq!(summary, metadata.summary);
        let counts = summary.counts;
        let counted = counts.files + counts.relative_files + counts.segments + counts.directories;
        assert_eq!(check.references.len() as u64, counted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn damaged_metadata_is_an_error_or_well_formed(
        file in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = file.get(&SMALL).clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        read_all_ways(&bytes);
    }

    #[test]
    fn damaged_ha_objects_are_an_error_or_well_formed(
        file in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = file.get(&HA).clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        if let Ok(checkpoint) = parse_blob(&bytes) {
            assert!(checkpoint.references.iter().all(|reference| !reference.path().is_empty()));
        }
        let _ = parse_pointer(&bytes);
    }

    #[test]
    fn noise_after_a_good_header_is_an_error(version in 2..=6u8, noise in prop::collection::vec(any::<u8>(), 0..512)) {
        let mut bytes = vec![0x49, 0x60, 0x67, 0x2d, 0, 0, 0, version];
        bytes.extend(noise);
        read_all_ways(&bytes);
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_leaves_as_many_references() {
    // The format has no checksum; a flip can change a path or a size but must not make a reference vanish silently.
    let file = SMALL
        .iter()
        .find(|file| file.len() > 2_000 && file[7] == 6)
        .unwrap();
    let mut original = Check::default();
    visit(file, &mut original).unwrap();
    let mut accepted = 0;
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << bit;
            let mut check = Check::default();
            if visit(&flipped, &mut check).is_ok() {
                assert_eq!(
                    check.references.len(),
                    original.references.len(),
                    "bit {bit} of byte {at}"
                );
                accepted += 1;
            }
        }
    }
    assert!(accepted > 0, "flips inside of paths are accepted");
}
