//! Progress on stderr, for a person who waits.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::{Progress, Step};

/// Work that is over sooner needs no progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// Nothing for the first two seconds, and nothing at all where stderr is no terminal.
#[derive(Debug)]
pub(super) struct TerminalProgress {
    started: Instant,
    state: Option<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    step: Option<Step>,
    done: u64,
    bar: Option<ProgressBar>,
}

impl TerminalProgress {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            state: stderr().is_terminal().then(|| {
                Mutex::new(State {
                    step: None,
                    done: 0,
                    bar: None,
                })
            }),
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let Some(state) = &self.state else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let text = state.step.map_or_else(String::new, |step| step.to_string());
        let done = state.done;
        let bar = state.bar.get_or_insert_with(|| bar(self.started.elapsed()));
        bar.set_message(text);
        bar.set_position(done);
    }
}

fn bar(elapsed: Duration) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_elapsed(elapsed);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {human_pos} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

impl Progress for TerminalProgress {
    fn step(&self, step: Step) {
        self.update(|state| {
            state.step = Some(step);
            state.done = 0;
        });
    }

    fn advance(&self, count: u64) {
        self.update(|state| state.done += count);
    }
}

impl Drop for TerminalProgress {
    fn drop(&mut self) {
        self.update(|state| {
            if let Some(bar) = &state.bar {
                bar.finish_and_clear();
            }
        });
    }
}
