//! The fuzz targets over their corpora, and over files made from them: a few seconds, and the same in each run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fastrand::Rng;
use fuzz::{Memory, boundaries, bounded, memory};
use rstest::rstest;
use std::fs;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: Memory = memory();
/// What others allocate meanwhile would count for a target.
static ALONE: Mutex<()> = Mutex::new(());
static REPORT_UNBOUND: Once = Once::new();

/// Changed files for each target. They take a few seconds.
const CHANGED: u64 = 3_000;
/// Larger ones are not made.
const LONGEST: usize = 64 * 1024;
/// As in `make fuzz`: an input that takes longer is a finding.
const SLOWEST: Duration = Duration::from_secs(10);

type Target = fn(&[u8]);

#[rstest]
#[case("flink_resources", boundaries::flink_resources)]
#[case("ha_values", boundaries::ha_values)]
#[case("journal", boundaries::journal)]
#[case("metadata", boundaries::metadata)]
#[case("rest_answers", boundaries::rest_answers)]
fn whatever_comes_in_is_read_or_refused(#[case] name: &str, #[case] target: Target) {
    let _alone = alone();
    let corpus = corpus(name);
    let left = left_by(name);
    assert!(corpus.len() >= 5, "{name} has {} files", corpus.len());
    for bytes in &corpus {
        run(target, bytes, &left);
    }
    let mut random = Rng::with_seed(0);
    for _ in 0..CHANGED {
        let mut bytes = random.choice(&corpus).unwrap().clone();
        for _ in 0..random.usize(1..5) {
            change(&mut bytes, &corpus, &mut random);
        }
        run(target, &bytes, &left);
    }
    fs::remove_file(left).unwrap();
}

#[test]
fn a_target_can_fail() {
    let _alone = alone();
    let left = left_by("strict");
    let strict: Target = |bytes| assert_ne!(bytes, b"bad");
    run(strict, b"good", &left);
    let failed = catch_unwind(|| run(strict, b"bad", &left));
    assert!(failed.is_err());
    assert_eq!(fs::read(&left).unwrap(), b"bad");
    fs::remove_file(left).unwrap();
}

#[test]
fn memory_out_of_proportion_is_refused() {
    let _alone = alone();
    bounded(&MEMORY, b"", |_| {
        let mut some: Vec<u8> = Vec::new();
        assert!(some.try_reserve_exact(16 << 20).is_ok());
    });
    bounded(&MEMORY, b"", |_| {
        let mut much: Vec<u8> = Vec::new();
        assert!(much.try_reserve_exact(64 << 20).is_err());
    });
    let mut much: Vec<u8> = Vec::new();
    assert!(
        much.try_reserve_exact(64 << 20).is_ok(),
        "no bound any more"
    );
}

/// A target that panics is no longer bound: a back trace takes more memory than an input may.
fn alone() -> MutexGuard<'static, ()> {
    REPORT_UNBOUND.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |why| {
            // Never refused: nothing is below it.
            let _ = MEMORY.set_limit(usize::MAX);
            report(why);
        }));
    });
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = format!("{}/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(&directory).unwrap_or_else(|why| panic!("{directory}: {why}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A process that runs out of memory or of stack cannot say for which bytes: they are in this file.
fn left_by(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fails-{name}"))
}

/// A failure says for which bytes: as a file in `fuzz/corpus` they are a regression test.
fn run(target: Target, bytes: &[u8], left: &Path) {
    fs::write(left, bytes).unwrap();
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| bounded(&MEMORY, bytes, target)));
    let fine = outcome.is_ok() && begun.elapsed() < SLOWEST;
    assert!(fine, "fails for b\"{}\"", bytes.escape_ascii());
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(..=bytes.len());
    let length = random.usize(..=(bytes.len() - at).min(64));
    let put = match random.u8(..6) {
        0 => Vec::new(),
        1 => vec![random.u8(..)],
        2 => [[0xff; 4], [0; 4], [0x7f, 0xff, 0xff, 0xff]][random.usize(..3)].to_vec(),
        3 => part(bytes, random),
        4 => part(random.choice(corpus).unwrap(), random),
        _ => JSON[random.usize(..JSON.len())].as_bytes().to_vec(),
    };
    bytes.splice(at..at + length, put);
    bytes.truncate(LONGEST);
}

const JSON: [&str; 10] = [
    "null",
    "-1",
    "1e400",
    "{}",
    "[]",
    "\"\"",
    "true",
    "18446744073709551616",
    "\\u0000",
    "[[[[",
];

fn part(bytes: &[u8], random: &mut Rng) -> Vec<u8> {
    let from = random.usize(..=bytes.len());
    let length = random.usize(..=(bytes.len() - from).min(256));
    bytes[from..from + length].to_vec()
}
