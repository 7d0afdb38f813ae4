//! Every file of a directory, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The contents of all files below a directory by their relative paths, our own journal apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Vec<u8>>);

impl Tree {
    pub(crate) fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(root, root, &mut files);
        Self(files)
    }

    /// This tree without the files of these paths.
    pub(crate) fn without<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        for path in paths {
            assert!(self.0.remove(path).is_some(), "{path} was not there");
        }
        self
    }

    /// Fails with the names of the differences, not with the bytes.
    pub(crate) fn assert_is(&self, expected: &Self) {
        let names = |tree: &Self| tree.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(expected));
        for (path, bytes) in &self.0 {
            assert!(bytes == &expected.0[path], "{path} has changed");
        }
    }
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_name() == ".flink-retention" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, files);
        } else {
            let relative = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(relative, fs::read(&path).unwrap());
        }
    }
}
