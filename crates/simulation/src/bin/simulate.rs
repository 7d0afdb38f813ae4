//! Plays histories: `simulate 100000`, or one of them in full: `simulate 1 --seed 42`.
#![allow(clippy::print_stdout)]

use clap::Parser;
use simulation::{Recall, shortest, simulate, tell};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
struct Arguments {
    /// How many histories.
    count: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many histories at once; 0 for as many as there are processors.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
    /// Tell how much of what nobody needs was freed, and what kept the rest.
    #[arg(long)]
    recall: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs = if arguments.jobs == 0 {
        processors
    } else {
        arguments.jobs
    };
    if arguments.count == 1 {
        let told = tell(arguments.seed);
        told.log.iter().for_each(|line| println!("{line}"));
    }
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let found = Mutex::new((Recall::default(), None::<u64>));
    let digest = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let stop = found.lock().is_ok_and(|found| found.1.is_some());
                    if number >= arguments.count || stop {
                        return;
                    }
                    let history = simulate(arguments.seed + number);
                    digest.fetch_xor(
                        history
                            .digest()
                            .rotate_left(u32::try_from(number % 64).unwrap_or(0)),
                        Ordering::Relaxed,
                    );
                    if let Ok(mut found) = found.lock() {
                        found.0.add(history.recall);
                        if history.violation.is_some() {
                            let seed = arguments.seed + number;
                            found.1 = Some(found.1.map_or(seed, |known| known.min(seed)));
                        }
                    }
                }
            });
        }
    });
    let (recall, failed) = found.into_inner().unwrap_or_default();
    let played = next.load(Ordering::Relaxed).min(arguments.count);
    let seconds = begun.elapsed().as_secs_f64();
    let digest = digest.into_inner();
    println!("{played} histories in {seconds:.1} s, digest {digest:016x}");
    if arguments.recall {
        report(&recall);
    }
    let Some(seed) = failed else {
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} deletes what is needed; the shortest history found:");
    if let Some(history) = shortest(seed) {
        history.log.iter().for_each(|line| println!("{line}"));
        println!("{:?}", history.violation);
    }
    ExitCode::FAILURE
}

/// As a table: what was freed and what was left, by the kind of job.
fn report(recall: &Recall) {
    println!("| kind | bytes that nobody needs | freed | what keeps the rest |");
    println!("|---|---|---|---|");
    for (kind, of) in &recall.kinds {
        let total = of.freed + of.left.values().sum::<u64>();
        let mut reasons: Vec<_> = of.left.iter().collect();
        reasons.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
        let rest: Vec<String> = reasons
            .iter()
            .map(|(why, bytes)| format!("{why} {}", percent(**bytes, total)))
            .collect();
        let freed = percent(of.freed, total);
        println!("| {kind} | {total} | {freed} | {} |", rest.join(", "));
    }
}

/// With two decimals, cut off.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
