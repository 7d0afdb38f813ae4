//! How long it takes to read large `_metadata` with many small handles, beside Flink's own loader, on files that Flink
//! wrote, in one run and in turns. `docs/performance.md` has what came of it. Needs a JDK and Maven, as the tests do.
//!
//! `cargo bench -p flink-metadata --bench loader`
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement that cannot be made has no result"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use flink_metadata::{Origin, Reference, Visitor, parse, visit};
use testbed::corpus::{self, Tree};
use testbed::flink::{LoadFrom, Loader, LoaderClock};

const BYTES: u64 = 20_000_000;
const KINDS: [&str; 3] = ["rocksdb-incremental", "merging-across", "unaligned"];
/// From memory, Flink's loader is as fast as it gets after about ten loads.
const WARM_UP: usize = 30;
const ROUNDS: usize = 21;
/// A load from a file takes Flink seconds; it is warm by then.
const ROUNDS_OF_FILE: usize = 5;

/// What a run does with a snapshot: sees each reference once.
#[derive(Default)]
struct Count(u64);

impl Visitor for Count {
    fn reference(&mut self, reference: Reference<'_>, _: &Origin) {
        black_box(reference.path());
        self.0 += 1;
    }
}

fn main() {
    let flink = LoaderClock::prepare().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    println!("Flink 2.3.0, warm, and here: medians (bests)");
    for kind in KINDS {
        let entry = corpus::entry("2.3.0", kind).unwrap();
        let truth = entry.truth(Tree::Left).unwrap();
        let source = &truth.metadata.last().unwrap().metadata;
        let file = scratch.path().join(kind);
        let source = entry.tree(Tree::Left).join(source);
        flink.grow(&source, &file, BYTES).unwrap();
        measure(kind, &file, flink.loader(&file).unwrap());
    }
}

fn measure(kind: &str, file: &Path, mut flink: Loader) {
    let bytes = std::fs::read(file).unwrap();
    println!(
        "{kind}: {:.1} MB, {} references",
        bytes.len() as f64 / 1e6,
        references(&bytes)
    );
    for _ in 0..WARM_UP {
        flink.load(LoadFrom::Memory).unwrap();
        references(&bytes);
    }
    let mut rounds = |from, count: usize, ours: &dyn Fn()| -> Vec<Round> {
        let round = |_| Round {
            flink: flink.load(from).unwrap(),
            here: timed(ours),
        };
        (0..count).map(round).collect()
    };
    let found = rounds(LoadFrom::Memory, ROUNDS, &|| {
        references(&bytes);
    });
    let built = rounds(LoadFrom::Memory, ROUNDS, &|| {
        black_box(parse(&bytes).unwrap());
    });
    let opened = rounds(LoadFrom::File, ROUNDS_OF_FILE, &|| {
        references(&std::fs::read(file).unwrap());
    });
    row("from memory, every reference", &found);
    row("from memory, the whole tree", &built);
    row("as each opens its file", &opened);
}

fn references(bytes: &[u8]) -> u64 {
    let mut count = Count::default();
    visit(black_box(bytes), &mut count).unwrap();
    black_box(count.0)
}

fn timed(load: &dyn Fn()) -> Duration {
    let begun = Instant::now();
    load();
    begun.elapsed()
}

/// One load by Flink, and at once the same by us: whatever else the machine does hits both.
struct Round {
    flink: Duration,
    here: Duration,
}

fn row(what: &str, rounds: &[Round]) {
    let figures = |of: fn(&Round) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        figures
    };
    let flink = figures(|round| round.flink.as_secs_f64() * 1e3);
    let here = figures(|round| round.here.as_secs_f64() * 1e3);
    let ratios = figures(|round| round.flink.as_secs_f64() / round.here.as_secs_f64());
    let median = rounds.len() / 2;
    println!(
        "  {what:28}  {:6.1} ({:6.1}) ms  {:6.2} ({:6.2}) ms  {:.1} times as fast (single rounds {:.1} to {:.1}; best by best {:.1})",
        flink[median],
        flink[0],
        here[median],
        here[0],
        ratios[median],
        ratios[0],
        ratios[ratios.len() - 1],
        flink[0] / here[0],
    );
}
