use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::FlinkError;

/// The job of `tests/flink`: reads 0, 1, 2, ... and keeps per key (number modulo `keys`) a count, a sum and the last
/// `slots` payloads. All of it is exactly-once state, as is the position, so the state follows from the position.
///
/// The live state is about `keys * slots * payload_bytes`; about `numbers_per_second * payload_bytes` of it changes
/// every second, so `RocksDB` uploads that much and compacts it away again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceJob {
    pub keys: u64,
    pub slots: u64,
    pub payload_bytes: u64,
    /// Whether each key also holds its first number for ever: state whose files outlive every other file.
    pub idles: bool,
    /// `None` reads as fast as the machine can.
    pub numbers_per_second: Option<u32>,
    /// How many numbers this run reads from the position where it starts; then it writes its totals and finishes.
    /// `None` runs until it is cancelled.
    pub numbers: Option<u64>,
    /// Uses the state interfaces of Flink 2, as `ForSt` needs them to keep its live files with the checkpoints.
    pub asynchronous: bool,
}

impl Default for SequenceJob {
    /// About 4.5 MB of live state; 1 MB a second is new, and half a MB never changes.
    fn default() -> Self {
        Self {
            keys: 500,
            slots: 8,
            payload_bytes: 1024,
            idles: true,
            numbers_per_second: Some(1000),
            numbers: None,
            asynchronous: false,
        }
    }
}

/// What one key holds when the sequence has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyTotals {
    pub count: u64,
    pub sum: u64,
    /// Sum of the numbers whose payloads are held; the job has checked each payload byte for byte.
    pub held: u64,
}

/// What the job wrote about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Position in the sequence by checkpoint number, completed or not.
    pub positions: BTreeMap<u64, u64>,
    /// The position at which the sequence ended, once it has.
    pub end: Option<u64>,
    /// By key; complete once the job has finished.
    pub totals: BTreeMap<u64, KeyTotals>,
}

impl SequenceJob {
    /// What every key must hold after the numbers below `end`.
    #[must_use]
    pub fn totals_at(&self, end: u64) -> BTreeMap<u64, KeyTotals> {
        let mut totals = BTreeMap::<u64, KeyTotals>::new();
        for number in 0..end {
            let key = totals.entry(number % self.keys).or_default();
            key.count += 1;
            key.sum += number;
            key.held += number;
            if let Some(overwritten) = number.checked_sub(self.keys * self.slots) {
                key.held -= overwritten;
            }
        }
        totals
    }

    pub(super) fn arguments(&self, results: &Path, gate: &Path) -> Vec<String> {
        let Self {
            keys,
            slots,
            payload_bytes,
            idles,
            numbers_per_second,
            numbers,
            asynchronous,
        } = self;
        vec![
            format!("keys={keys}"),
            format!("slots={slots}"),
            format!("payload-bytes={payload_bytes}"),
            format!("idles={idles}"),
            format!("rate={}", numbers_per_second.unwrap_or(0)),
            format!("numbers={}", numbers.unwrap_or(i64::MAX.unsigned_abs())),
            format!("results={}", results.display()),
            format!("gate={}", gate.display()),
            format!("async={asynchronous}"),
        ]
    }
}

impl Progress {
    /// Reads the results file; without one the job has not begun.
    pub(super) fn read(path: &Path) -> Result<Self, FlinkError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(FlinkError::io("read the job's results", path)(error)),
        };
        let mut progress = Self::default();
        // A line without its end is still being written.
        for line in text
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
        {
            progress.add(line).ok_or_else(|| FlinkError::Results {
                path: path.to_path_buf(),
                line: line.to_owned(),
            })?;
        }
        Ok(progress)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        let numbers = rest
            .split(' ')
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()
            .ok()?;
        match (kind, numbers.as_slice()) {
            ("checkpoint", &[id, position]) => {
                self.positions.insert(id, position);
            }
            ("end", &[position]) => self.end = Some(position),
            ("key", &[key, count, sum, held]) => {
                self.totals.insert(key, KeyTotals { count, sum, held });
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn totals_follow_from_the_position() {
        let job = SequenceJob {
            keys: 2,
            slots: 2,
            ..SequenceJob::default()
        };
        // Key 0 saw 0 2 4 6 and holds 4 and 6; key 1 saw 1 3 5 and holds 3 and 5.
        let expected = BTreeMap::from([
            (
                0,
                KeyTotals {
                    count: 4,
                    sum: 12,
                    held: 10,
                },
            ),
            (
                1,
                KeyTotals {
                    count: 3,
                    sum: 9,
                    held: 8,
                },
            ),
        ]);
        assert_eq!(job.totals_at(7), expected);
    }

    #[test]
    fn an_unknown_line_is_an_error_and_an_unfinished_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("results.txt");
        fs::write(&path, "checkpoint 3 40\nend 41\nkey 1 2 3 4\nkey 2 9").unwrap();
        let progress = Progress::read(&path).unwrap();
        assert_eq!(progress.positions, BTreeMap::from([(3, 40)]));
        assert_eq!(progress.end, Some(41));
        assert_eq!(
            progress.totals,
            BTreeMap::from([(
                1,
                KeyTotals {
                    count: 2,
                    sum: 3,
                    held: 4
                }
            )])
        );

        fs::write(&path, "key 1 two 3 4\n").unwrap();
        assert!(matches!(
            Progress::read(&path),
            Err(FlinkError::Results { .. })
        ));
    }
}
