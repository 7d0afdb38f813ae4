//! Whether somebody is writing a file. The client has no word for it, but the space that the `NameNode` charges tells: a
//! block that is not finished counts as a whole one, for every copy (`INodeFile.storagespaceConsumed`).

use hdfs_native::client::{ContentSummary, FileStatus};

use super::HdfsStorage;
use super::ask::question;

/// What the `NameNode` charges for a file.
pub(super) struct Summary {
    length: u64,
    space: u64,
}

impl Summary {
    pub(super) async fn of(store: &HdfsStorage, path: &str) -> hdfs_native::Result<Self> {
        let summary: ContentSummary = question(store.client.get_content_summary(path)).await?;
        Ok(Self {
            length: summary.length,
            space: summary.space_consumed,
        })
    }

    /// Whether the file has a block that is not finished. One that was opened, and of which no block was begun, cannot be
    /// told from an empty file.
    pub(super) fn tells_of_a_writer(&self, status: &FileStatus) -> bool {
        let copies = u64::from(status.replication.unwrap_or(1));
        let block = status.blocksize.unwrap_or(0).max(1);
        let unfinished = self
            .space
            .saturating_sub(self.length.saturating_mul(copies));
        if copies > 1 {
            return unfinished > 0;
        }
        // One copy is also what is said of an erasure coded file, whose parity takes space of its own. A large one, or one
        // that fills its stripes, counts as open then: better kept for nothing.
        unfinished > 0 && (unfinished >= block || self.space.is_multiple_of(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 128 << 20;

    fn is_open(length: u64, space: u64, copies: u32) -> bool {
        let status = FileStatus {
            path: String::new(),
            length: 0,
            isdir: false,
            permission: 0,
            owner: String::new(),
            group: String::new(),
            modification_time: 0,
            access_time: 0,
            replication: Some(copies),
            blocksize: Some(BLOCK),
        };
        Summary { length, space }.tells_of_a_writer(&status)
    }

    #[test]
    fn a_block_that_is_not_finished_is_charged_whole() {
        for copies in [1, 2, 3] {
            let all = u64::from(copies);
            for length in [0, 5, BLOCK, BLOCK + 5] {
                assert!(!is_open(length, length * all, copies), "{length} {copies}");
            }
            assert!(is_open(0, BLOCK * all, copies));
            assert!(is_open(BLOCK, 2 * BLOCK * all, copies));
            // The writer has told the NameNode how far it is.
            assert!(is_open(5, BLOCK * all, copies));
            assert!(is_open(BLOCK + 5, 2 * BLOCK * all, copies));
        }
    }

    /// Six cells of data have three of parity; the last of them are as long as the data needs.
    #[test]
    fn the_parity_of_a_small_erasure_coded_file_is_no_writer() {
        assert!(!is_open(5, 5 * 4, 1));
        assert!(!is_open(6 << 20, 9 << 20, 1));
        assert!(is_open(6 * BLOCK, 9 * BLOCK, 1), "kept for nothing");
    }
}
