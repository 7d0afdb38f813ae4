//! Makes small `_metadata` files, for tests that need snapshots of a given shape.

use crate::metadata_writer::MetadataWriter;

/// A version 3 snapshot of one RocksDB operator.
#[derive(Clone, Debug, Default)]
pub struct SnapshotFile {
    pub checkpoint_id: u64,
    /// Absolute files (`shared/…`), by path and size in bytes.
    pub shared: Vec<(String, u64)>,
    /// Files in the snapshot's own directory, by name and size in bytes.
    pub exclusive: Vec<(String, u64)>,
}

impl SnapshotFile {
    /// The bytes of its `_metadata` (Flink 1.15's layout).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.with_version(3)
    }

    /// The same with another version number in the header, which may make it unreadable.
    #[must_use]
    pub fn with_version(&self, version: i32) -> Vec<u8> {
        let mut out = MetadataWriter::default();
        out.int(0x4960_672d).int(version).long(self.checkpoint_id);
        out.int(0).int(1);
        out.bytes(&[7; 16]).int(1).int(128).byte(0).int(1);
        out.int(0).int(0).int(0);
        out.byte(11)
            .long(self.checkpoint_id)
            .text("backend")
            .int(0)
            .int(128)
            .long(u64::MAX);
        let (meta, rest) = match self.exclusive.split_first() {
            Some((meta, rest)) => (Some(meta), rest),
            None => (None, &[] as &[_]),
        };
        match meta {
            Some((name, size)) => out.byte(6).text(name).long(*size),
            None => out.byte(1).text("inline").int(0),
        };
        out.count(self.shared.len());
        for (number, (path, size)) in self.shared.iter().enumerate() {
            out.text(&format!("{number:06}.sst"))
                .byte(2)
                .long(*size)
                .text(path);
        }
        out.count(rest.len());
        for (number, (name, size)) in rest.iter().enumerate() {
            out.text(&format!("private-{number}"))
                .byte(6)
                .text(name)
                .long(*size);
        }
        out.text("handle");
        out.byte(0).int(0).int(0);
        out.into_bytes()
    }
}
