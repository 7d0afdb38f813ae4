//! Jobs that nobody named, and that may therefore need any file.

use retention::evidence::{Evidence, JobName, Phase};

/// The kind of a job that the command line alone knows.
pub(super) const KIND: &str = "job";

/// How many are told by their ids: a directory may have the empty remains of hundreds.
const TOLD: usize = 3;

/// One line for all of them, if there are any.
pub(super) fn line(evidence: &Evidence) -> Option<String> {
    let jobs = evidence.jobs.iter();
    let unnamed = jobs.filter(|job| matches!(job.phase, Phase::Unclear { .. }));
    let ids: Vec<&str> = unnamed
        .filter_map(|job| {
            let JobName { kind, name, .. } = &job.name;
            (kind == KIND).then_some(name.as_str())
        })
        .collect();
    if ids.is_empty() {
        return None;
    }
    let told: Vec<&str> = ids.iter().take(TOLD).copied().collect();
    let more = match ids.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "not named, and without a checkpoint of their own when this command began: {}{more}; they may run, and need whatever \
         they were restored from: name each with --running or --stopped",
        told.join(", ")
    ))
}
