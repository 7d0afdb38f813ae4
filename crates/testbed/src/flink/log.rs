use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const TAIL_BYTES: u64 = 64 * 1024;
const TAIL_LINES: usize = 40;
/// Flink writes whole state handles into one line.
const LINE_CHARACTERS: usize = 400;

/// The end of a log without its stack frames, for an error message; never fails, since something failed already.
pub(super) fn tail(log: &Path) -> String {
    read_end(log).unwrap_or_else(|error| format!("(cannot read {}: {error})", log.display()))
}

fn read_end(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("\tat "))
        .map(|line| line.chars().take(LINE_CHARACTERS).collect())
        .collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}
