//! Plays histories: `simulate 100000`, or one of them in full: `simulate 1 --seed 42`.
#![allow(clippy::print_stdout)]

use clap::Parser;
use simulation::{Recall, shortest, simulate};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[derive(Debug, Parser)]
struct Arguments {
    /// How many histories.
    count: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many threads; each history has one of its own.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let found = Mutex::new((Recall::default(), None::<u64>));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let stop = found.lock().is_ok_and(|found| found.1.is_some());
                    if number >= arguments.count || stop {
                        return;
                    }
                    let history = simulate(arguments.seed + number);
                    if let Ok(mut found) = found.lock() {
                        found.0.add(&history.recall);
                        if history.violation.is_some() {
                            found.1 = Some(arguments.seed + number);
                        }
                        if arguments.count == 1 {
                            history.log.iter().for_each(|line| println!("{line}"));
                        }
                    }
                }
            });
        }
    });
    let (recall, failed) = found.into_inner().unwrap_or_default();
    let played = next.load(Ordering::Relaxed).min(arguments.count);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{played} histories in {seconds:.1} s");
    println!(
        "freed: {} bytes, {} % of what nobody needed",
        recall.freed,
        recall.percent().unwrap_or(100)
    );
    for (why, bytes) in &recall.left {
        println!("left: {bytes} bytes, {why}");
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
