//! Logs go to standard error, one event a line.

use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Replaces the filter of a process that logs already.
type Replace = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// Which lines are written: what the process was started with, or something else that was asked for since.
pub struct Filter {
    first: String,
    now: Mutex<String>,
    replace: Replace,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Has another filter from now on; without one, that of the start.
    ///
    /// # Errors
    /// It has not the form of directives; the last one stays. Said once for each.
    pub fn set(&self, filter: Option<&str>) -> Result<(), FilterError> {
        let wanted = filter.unwrap_or(&self.first);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == wanted {
            return Ok(());
        }
        wanted.clone_into(&mut now);
        let next = read(wanted)?;
        // By the one before: the next may let nothing through.
        let told = filter.unwrap_or("of the start");
        tracing::info!(filter = told, "the log filter changes");
        (self.replace)(next);
        Ok(())
    }
}

/// A text that is no filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    #[error(transparent)]
    Form(#[from] ParseError),
    #[error(
        "{0:?} is no level: write error, warn, info, debug, trace or off, or a target with its level, such as flink_retention=debug"
    )]
    Level(String),
}

/// A single word that is no level would be a target, and everything else silent.
fn read(filter: &str) -> Result<EnvFilter, FilterError> {
    let parts = filter.split(',').map(str::trim);
    let mut words = parts.filter(|part| !part.is_empty() && !part.contains(['=', '[']));
    match words.find(|word| word.parse::<LevelFilter>().is_err()) {
        Some(word) => Err(FilterError::Level(word.to_owned())),
        None => Ok(filter.parse()?),
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// `filter` has not the form of `tracing-subscriber`'s directives, for example `info,flink_retention=debug`.
pub fn start(filter: &str, format: LogFormat) -> Result<Filter, FilterError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(read(filter)?)
        .with_writer(std::io::stderr);
    // A second start keeps the first: tests start many operators in one process.
    let replace: Replace = match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).with_filter_reloading();
            let handle = lines.reload_handle();
            let _ = lines.try_init();
            Box::new(move |filter| {
                let _ = handle.reload(filter);
            })
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            let _ = lines.try_init();
            Box::new(move |filter| {
                let _ = handle.reload(filter);
            })
        }
    };
    Ok(Filter {
        first: filter.to_owned(),
        now: Mutex::new(filter.to_owned()),
        replace,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_and_not_taken_for_a_target() {
        for filter in [
            "info",
            "WARN",
            "off",
            "",
            "info,flink_retention::engine=debug",
            "[run]=trace",
        ] {
            assert!(read(filter).is_ok(), "{filter}");
        }
        for filter in ["warning", "inof", "info,verbose", "flink_retention=loud"] {
            assert!(read(filter).is_err(), "{filter}");
        }
    }
}
