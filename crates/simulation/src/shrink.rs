//! Makes a failing history shorter: a decision that becomes zero is one thing less that happens.

use crate::choices::Choices;
use crate::history::{History, play, simulate};

/// How long to look.
const TRIES: u32 = 1500;

/// The shortest failing history that is found from a seed, if it fails at all.
#[must_use]
pub fn shortest(seed: u64) -> Option<History> {
    let mut best = simulate(seed);
    best.violation.as_ref()?;
    let mut block = best.choices.len().next_power_of_two();
    let mut tries = TRIES;
    while block > 0 {
        let mut from = 0;
        while tries > 0 && from < best.choices.len() {
            tries -= 1;
            if let Some(shorter) = without(&best, from, block) {
                best = shorter;
            } else {
                from += block;
            }
        }
        block = if tries > 0 { block / 2 } else { 0 };
    }
    // Once more, to hear it.
    Some(play(Choices::replay(best.choices), true))
}

/// The history without a block of decisions, or with that block calm, if it still fails and says less.
fn without(best: &History, from: usize, block: usize) -> Option<History> {
    let to = (from + block).min(best.choices.len());
    let mut cut = best.choices.clone();
    cut.drain(from..to);
    let mut calm = best.choices.clone();
    calm[from..to].fill(0);
    [cut, calm].into_iter().find_map(|choices| {
        let history = play(Choices::replay(choices), false);
        let better = history.violation.is_some()
            && (history.said, history.choices.len()) < (best.said, best.choices.len());
        better.then_some(history)
    })
}
