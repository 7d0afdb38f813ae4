//! The same on the disk of this machine.

use std::fs::{self, File};
use std::path::Path;

use crate::store::{BASE, CHECKPOINT, SIZE, Shape, file_name, job_name, metadata};

/// Lays out what [`MadeUp`](crate::store::MadeUp) makes up; the files of state are sparse.
pub(crate) fn lay_out(shape: Shape, root: &Path) {
    for job in 0..shape.jobs {
        let directory = root.join(BASE).join(job_name(job));
        let shared = directory.join("shared");
        fs::create_dir_all(&shared).unwrap();
        for file in 0..shape.files_of_job {
            let state = File::create_new(shared.join(file_name(job, file))).unwrap();
            state.set_len(SIZE).unwrap();
        }
        for number in 1..=shape.snapshots {
            let checkpoint = directory.join(format!("{CHECKPOINT}{number}"));
            fs::create_dir(&checkpoint).unwrap();
            let bytes = metadata(shape, root.to_str().unwrap(), job, number as u64);
            fs::write(checkpoint.join("_metadata"), bytes).unwrap();
        }
    }
}
