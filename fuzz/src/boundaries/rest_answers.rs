use super::world::NOW;
use flink_retention::observe::{RestAnswers, read_jobs_overview, read_rest_answers};
use jiff::Timestamp;
use retention::evidence::RestCheckpoint;
use retention::location::Origin;

/// The answers of a `JobManager` about a job, one a line: the job, its checkpoints, their configuration and that of the
/// cluster. A job without checkpointing has only the first. Each line is also an overview of jobs.
pub fn rest_answers(bytes: &[u8]) {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let job = lines.next().unwrap_or_default();
    let answers = RestAnswers {
        job,
        checkpoints: lines.next().zip(lines.next()),
        cluster: lines.next().ok_or("not asked"),
    };
    match read_rest_answers(answers, NOW, &Origin::default()) {
        Err(why) => assert!(!why.is_empty()),
        Ok(rest) => {
            let ids = rest.checkpoints.iter().map(|checkpoint| checkpoint.id);
            assert!(ids.is_sorted_by(|a, b| a < b), "one twice");
            // What people are shown has an end.
            assert!(rest.state.len() <= 256 && !rest.state.contains(char::is_control));
            let told = |checkpoint: &RestCheckpoint| checkpoint.triggered > Timestamp::UNIX_EPOCH;
            assert!(rest.checkpoints.iter().all(told), "without a time");
        }
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Err(why) = read_jobs_overview(line) {
            assert!(!why.is_empty());
        }
    }
}
