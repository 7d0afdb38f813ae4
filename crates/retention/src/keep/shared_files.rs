use crate::inventory::Inventory;
use crate::reference::{DirectoryKey, FileId, FileName};
use std::collections::{HashMap, HashSet};

/// The snapshot directories that go only together with others: snapshots of other directories name files in them, or
/// files of the same name.
///
/// A job that was restored in CLAIM mode goes on with the files of a native savepoint, and with those of a checkpoint
/// when its changelog was turned on (FLINK-25872). Where Flink writes wrong relative handles (FLINK-39964) only the names
/// are the same. The same directory under another name is no other directory: there names protect, file by file.
pub(super) struct SharedFiles {
    in_use: HashSet<DirectoryKey>,
}

/// Who names a file, by the position of a directory, as far as that matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Namers {
    One(usize),
    Several,
}

impl SharedFiles {
    pub(super) fn of(inventory: &Inventory) -> Self {
        let table = &inventory.references;
        let keys: Vec<DirectoryKey> = inventory
            .snapshots
            .iter()
            .map(crate::inventory::Snapshot::directory_key)
            .collect();
        let mut directories: HashMap<&DirectoryKey, usize> = HashMap::new();
        for key in &keys {
            let next = directories.len();
            directories.entry(key).or_insert(next);
        }
        // First every file that lies right in the directory of a snapshot, then whoever names one of that name.
        let homes: Vec<Option<usize>> = table
            .directories()
            .map(|directory| {
                directories
                    .get(&DirectoryKey::of(directory.path()))
                    .copied()
            })
            .collect();
        let inside: HashMap<FileId, usize> = table
            .files()
            .filter_map(|file| Some((file, (*homes.get(table.directory_index(file)?)?)?)))
            .collect();
        let names: HashSet<FileName> = inside.keys().filter_map(|&file| table.name(file)).collect();
        let mut known: HashMap<&FileName, Namers> = HashMap::new();
        for (snapshot, key) in inventory.snapshots.iter().zip(&keys) {
            let Some(&directory) = directories.get(key) else {
                continue;
            };
            for reference in &snapshot.references {
                let name = table.name(reference.file);
                let Some(name) = name.and_then(|name| names.get(&name)) else {
                    continue;
                };
                let who = known.entry(name).or_insert(Namers::One(directory));
                if *who != Namers::One(directory) {
                    *who = Namers::Several;
                }
            }
        }
        let shared: HashSet<usize> = inside
            .iter()
            .filter(|&(&file, &home)| {
                let who = table.name(file).and_then(|name| known.get(&name));
                who.is_some_and(|who| *who != Namers::One(home))
            })
            .map(|(_, &home)| home)
            .collect();
        Self {
            in_use: directories
                .into_iter()
                .filter(|(_, position)| shared.contains(position))
                .map(|(key, _)| key.clone())
                .collect(),
        }
    }

    pub(super) fn in_use(&self, directory: &DirectoryKey) -> bool {
        self.in_use.contains(directory)
    }
}
