//! Writes `_metadata`, with the handles that each backend has.

use super::snapshot::Data;
use crate::world::location_text;
use testbed::metadata_writer::MetadataWriter;

pub(super) struct MetadataFile<'a> {
    pub(super) version: i32,
    pub(super) checkpoint_id: u64,
    pub(super) directory: &'a str,
    pub(super) shared: Vec<&'a Data>,
    pub(super) exclusive: Vec<&'a Data>,
}

impl MetadataFile<'_> {
    /// One operator with one subtask.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (changes, files): (Vec<&Data>, Vec<&Data>) = self
            .shared
            .iter()
            .partition(|file| file.path.contains("/dstl/"));
        let mut out = MetadataWriter::default();
        out.int(0x4960_672d)
            .int(self.version)
            .long(self.checkpoint_id);
        out.int(0).int(1);
        out.bytes(&[7; 16]).int(1).int(128).byte(0).int(1);
        out.int(0).int(0).int(0);
        if changes.is_empty() {
            self.incremental(&mut out, &files);
        } else {
            // ChangelogStateBackendHandle: what was materialized, and the increments since.
            out.byte(14).int(0).int(128).long(0).int(1);
            self.incremental(&mut out, &files);
            out.int(1).byte(13).int(0).int(128).count(changes.len());
            for file in changes {
                out.long(0);
                self.stream(&mut out, file);
            }
            out.long(0).long(0).text("increments").text("filesystem");
            out.long(1).long(self.checkpoint_id).text("handle");
        }
        out.byte(0).int(0).int(0);
        out.into_bytes()
    }

    fn incremental(&self, out: &mut MetadataWriter, shared: &[&Data]) {
        out.byte(11)
            .long(self.checkpoint_id)
            .text("backend")
            .int(0)
            .int(128)
            .long(u64::MAX);
        match self.exclusive.first() {
            Some(meta) => self.stream(out, meta),
            None => {
                out.byte(1).text("inline").int(0);
            }
        }
        out.count(shared.len());
        for (number, file) in shared.iter().enumerate() {
            out.text(&format!("{number:06}.sst"));
            self.stream(out, file);
        }
        let private = self.exclusive.get(1..).unwrap_or_default();
        out.count(private.len());
        for (number, file) in private.iter().enumerate() {
            out.text(&format!("private-{number}"));
            self.stream(out, file);
        }
        out.text("handle");
    }

    /// A segment of a merged file, a file in the snapshot's own directory, or any other.
    fn stream(&self, out: &mut MetadataWriter, file: &Data) {
        let own = file
            .path
            .strip_prefix(self.directory)
            .and_then(|rest| rest.strip_prefix('/'));
        if file.path.contains("/job_") {
            out.byte(15).long(0).long(file.size).int(1);
            out.text(&location_text(&file.path)).text("logical");
        } else if let Some(name) = own {
            out.byte(6).text(name).long(file.size);
        } else {
            out.byte(2).long(file.size).text(&location_text(&file.path));
        }
    }
}
