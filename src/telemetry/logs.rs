//! Logs go to standard error, one event a line.

use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

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
type Replace = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

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
    /// Has another filter from now on; without one, that of the start. True if that was a change.
    ///
    /// # Errors
    /// It has not the form of directives; the last one stays. Said once for each.
    pub fn set(&self, filter: Option<&str>) -> Result<bool, ParseError> {
        let wanted = filter.unwrap_or(&self.first);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == wanted {
            return Ok(false);
        }
        wanted.clone_into(&mut now);
        Ok((self.replace)(wanted.parse()?))
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// `filter` has not the form of `tracing-subscriber`'s directives, for example `info,flink_retention=debug`.
pub fn start(filter: &str, format: LogFormat) -> Result<Filter, ParseError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter.parse::<EnvFilter>()?)
        .with_writer(std::io::stderr);
    // A second start keeps the first: tests start many operators in one process.
    let replace: Replace = match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).with_filter_reloading();
            let handle = lines.reload_handle();
            let _ = lines.try_init();
            Box::new(move |filter| handle.reload(filter).is_ok())
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            let _ = lines.try_init();
            Box::new(move |filter| handle.reload(filter).is_ok())
        }
    };
    Ok(Filter {
        first: filter.to_owned(),
        now: Mutex::new(filter.to_owned()),
        replace,
    })
}
