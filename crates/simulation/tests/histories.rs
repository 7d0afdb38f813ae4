#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! A few thousand histories, two at a time.

use simulation::{shortest, simulate, tell};

#[test]
fn no_needed_file_is_deleted() {
    std::thread::scope(|scope| {
        for first in [0, 1] {
            scope.spawn(move || {
                for seed in (first..2000).step_by(2) {
                    if simulate(seed).violation.is_some() {
                        let history = shortest(seed).expect("it fails each time");
                        panic!(
                            "seed {seed}: {:?}\n{}",
                            history.violation,
                            history.log.join("\n")
                        );
                    }
                }
            });
        }
    });
}

#[test]
fn a_seed_is_a_history() {
    for seed in 0..20 {
        assert_eq!(tell(seed).log, tell(seed).log);
    }
}
