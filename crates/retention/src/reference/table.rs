use super::chunked::Chunked;
use super::short_found::ShortFound;
use super::{FileName, Found};
use crate::location::Location;
use hashbrown::HashTable;
use jiff::Timestamp;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A referenced file in a [`ReferenceTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every file that any snapshot names: each once, however many snapshots share it.
///
/// Fifty bytes a file, as there may be ten million. Names protect ([`Self::protects`]); exact locations decide
/// restorability.
#[derive(Clone, Debug, Default)]
pub struct ReferenceTable {
    directories: Vec<Location>,
    directory_ids: HashMap<Location, u32>,
    files: Chunked<ReferencedFile>,
    /// The last that came of the files of each name.
    by_name: HashTable<u32>,
    random: RandomState,
    /// The one that came before it, in another directory.
    namesakes: HashMap<u32, u32>,
    /// The names that are no UUIDs.
    other_names: Vec<Box<str>>,
    /// The names as written, where they are not the keys themselves.
    spellings: HashMap<u32, Box<str>>,
    /// What was found of those of which more has to be said than a few bytes can.
    at_length: HashMap<u32, Found>,
}

#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct ReferencedFile {
    name: ShortName,
    directory: u32,
    found: ShortFound,
}

/// A [`FileName`] in twenty bytes.
#[derive(Clone, Copy, Debug)]
enum ShortName {
    Uuid([u8; 16]),
    /// The position in `other_names`.
    Other(u32),
}

impl ReferenceTable {
    /// Adds a referenced file, or finds it if it is there.
    pub fn insert(&mut self, directory: &Location, name: &str) -> FileId {
        let directory = self.directory(directory);
        self.insert_name(directory, name)
    }

    /// The same by the number of the directory.
    pub(super) fn insert_name(&mut self, directory: u32, name: &str) -> FileId {
        let key = FileName::of(name);
        let spelling = (!key.is_spelt(name)).then_some(name);
        self.insert_key(directory, &key, spelling)
    }

    /// The same by the key. `spelling` is the name as written, where it is not the key.
    pub(super) fn insert_key(
        &mut self,
        directory: u32,
        key: &FileName,
        spelling: Option<&str>,
    ) -> FileId {
        let first = self.first(key);
        let known = first.and_then(|first| self.in_directory(first, directory));
        if let Some(known) = known {
            return FileId(known);
        }
        let new = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let name = match first.and_then(|first| self.file(first)) {
            Some(namesake) => namesake.name,
            None => self.short(key),
        };
        self.files.push(ReferencedFile {
            name,
            directory,
            found: ShortFound::UNKNOWN,
        });
        if let Some(spelling) = spelling {
            self.spellings.insert(new, spelling.into());
        }
        match first {
            Some(first) => {
                self.namesakes.insert(new, first);
                self.put_before(first, new, key);
            }
            None => self.index(new, key),
        }
        FileId(new)
    }

    /// Whether any snapshot names a file of this name, wherever it is.
    #[must_use]
    pub fn protects(&self, name: &FileName) -> bool {
        self.first(name).is_some()
    }

    /// Notes that a file was listed in `directory`. True if a reference says that it is there.
    pub fn found(
        &mut self,
        directory: &Location,
        name: &FileName,
        size: u64,
        modified: Option<Timestamp>,
    ) -> bool {
        let Some(first) = self.first(name) else {
            return false;
        };
        let Some(&directory) = self.directory_ids.get(directory) else {
            return false;
        };
        let expected = self.in_directory(first, directory);
        if let Some(position) = expected {
            self.set(FileId(position), Found::Present { size, modified });
        }
        expected.is_some()
    }

    /// Records the answer of a look-up.
    pub fn set(&mut self, file: FileId, found: Found) {
        let Some(entry) = self.files.get_mut(file.index()) else {
            return;
        };
        if let Some(short) = ShortFound::of(found) {
            entry.found = short;
            self.at_length.remove(&file.0);
        } else {
            self.at_length.insert(file.0, found);
        }
    }

    /// What is known of a file.
    #[must_use]
    pub fn state(&self, file: FileId) -> Found {
        if let Some(found) = self.at_length.get(&file.0) {
            return *found;
        }
        self.file(file.0)
            .map_or(Found::Unknown, |file| file.found.long())
    }

    #[must_use]
    pub fn location(&self, file: FileId) -> Option<Location> {
        let directory = self.directory_of(file)?;
        Some(match self.spellings.get(&file.0) {
            Some(spelling) => directory.join(spelling),
            None => directory.join(&self.name(file)?.to_string()),
        })
    }

    #[must_use]
    pub fn name(&self, file: FileId) -> Option<FileName> {
        Some(match self.file(file.0)?.name {
            ShortName::Uuid(uuid) => FileName::Uuid(uuid),
            ShortName::Other(position) => {
                FileName::Other(self.other_names.get(position as usize)?.clone())
            }
        })
    }

    /// The directory that references say a file is in.
    #[must_use]
    pub fn directory_of(&self, file: FileId) -> Option<&Location> {
        self.directories.get(self.directory_index(file)?)
    }

    /// The position of a file's directory in [`Self::directories`].
    pub(crate) fn directory_index(&self, file: FileId) -> Option<usize> {
        Some(self.file(file.0)?.directory as usize)
    }

    /// Every directory in which a snapshot expects a file.
    pub fn directories(&self) -> impl Iterator<Item = &Location> {
        self.directories.iter()
    }

    /// Every referenced file.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..self.files.len()).filter_map(|position| u32::try_from(position).ok().map(FileId))
    }

    /// Every file that nobody has looked for yet.
    pub fn unknown(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files()
            .filter(|&file| self.state(file) == Found::Unknown)
    }

    /// The files of a name, in every directory in which snapshots expect it.
    pub fn with_name(&self, name: &FileName) -> impl Iterator<Item = FileId> + '_ {
        let first = self.first(name).into_iter();
        first.flat_map(|first| self.chain(first).map(FileId))
    }

    /// The number of distinct referenced files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn directory(&mut self, location: &Location) -> u32 {
        if let Some(&id) = self.directory_ids.get(location) {
            return id;
        }
        let id = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
        self.directories.push(location.clone());
        self.directory_ids.insert(location.clone(), id);
        id
    }

    fn file(&self, position: u32) -> Option<ReferencedFile> {
        self.files.get(position as usize).copied()
    }

    /// The last that came of the files of a name.
    fn first(&self, key: &FileName) -> Option<u32> {
        let is_named = |&position: &u32| self.is_named(position, key);
        let hash = self.random.hash_one(key);
        self.by_name.find(hash, is_named).copied()
    }

    fn is_named(&self, position: u32, key: &FileName) -> bool {
        match (self.file(position).map(|file| file.name), key) {
            (Some(ShortName::Uuid(uuid)), FileName::Uuid(key)) => uuid == *key,
            (Some(ShortName::Other(name)), FileName::Other(key)) => {
                self.other_names.get(name as usize) == Some(key)
            }
            (Some(ShortName::Uuid(_)), FileName::Other(_))
            | (Some(ShortName::Other(_)), FileName::Uuid(_))
            | (None, _) => false,
        }
    }

    fn short(&mut self, key: &FileName) -> ShortName {
        match key {
            FileName::Uuid(uuid) => ShortName::Uuid(*uuid),
            FileName::Other(name) => {
                let position = u32::try_from(self.other_names.len()).unwrap_or(u32::MAX);
                self.other_names.push(name.clone());
                ShortName::Other(position)
            }
        }
    }

    /// Makes a file the first of its name.
    fn index(&mut self, position: u32, key: &FileName) {
        let hash = self.random.hash_one(key);
        let mut by_name = std::mem::take(&mut self.by_name);
        by_name.insert_unique(hash, position, |&position| {
            let key = self.name(FileId(position));
            key.map_or(0, |key| self.random.hash_one(key))
        });
        self.by_name = by_name;
    }

    /// Makes a file the first of its name, where another one was.
    fn put_before(&mut self, first: u32, position: u32, key: &FileName) {
        let hash = self.random.hash_one(key);
        if let Some(known) = self.by_name.find_mut(hash, |known| *known == first) {
            *known = position;
        }
    }

    fn in_directory(&self, first: u32, directory: u32) -> Option<u32> {
        self.chain(first).find(|&position| {
            self.file(position)
                .is_some_and(|file| file.directory == directory)
        })
    }

    /// A file and those of the same name that came before it.
    fn chain(&self, first: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(first), |position| {
            self.namesakes.get(position).copied()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::location::Origin;

    const NAME: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

    fn at(path: &str) -> Location {
        Location::parse(path, &Origin::default()).unwrap()
    }

    #[test]
    fn a_name_protects_everywhere_but_is_found_only_where_it_is_expected() {
        let mut table = ReferenceTable::default();
        assert!(table.is_empty());
        let file = table.insert(&at("/a/shared"), NAME);
        assert!(!table.is_empty() && table.len() == 1);
        assert!(table.protects(&FileName::of(NAME)));
        assert!(!table.found(&at("/b/shared"), &FileName::of(NAME), 7, None));
        assert_eq!(table.state(file), Found::Unknown);
        assert_eq!(table.unknown().collect::<Vec<_>>(), [file]);
        assert!(table.found(&at("/a/shared"), &FileName::of(NAME), 7, None));
        assert_eq!(
            table.state(file),
            Found::Present {
                size: 7,
                modified: None
            }
        );
        assert_eq!(table.unknown().count(), 0);
        assert_eq!(table.files().collect::<Vec<_>>(), [file]);
    }

    #[test]
    fn the_same_name_in_two_directories_is_two_files() {
        let mut table = ReferenceTable::default();
        let a = table.insert(&at("/a"), NAME);
        let b = table.insert(&at("/b"), NAME);
        assert_ne!(a, b);
        assert_eq!(table.insert(&at("/a"), NAME), a);
        assert_eq!(table.with_name(&FileName::of(NAME)).count(), 2);
        assert_eq!(table.location(b).unwrap(), at("/b").join(NAME));
    }
    /// The key forgets the case, but a store may not.
    #[test]
    fn a_file_is_looked_for_as_it_is_spelt() {
        let mut table = ReferenceTable::default();
        for name in [NAME, &NAME.to_uppercase(), "000012.SST"] {
            let file = table.insert(&at(&format!("/of {name}")), name);
            let location = at(&format!("/of {name}")).join(name);
            assert_eq!(table.location(file), Some(location.clone()));
            assert_eq!(table.directory_of(file), Some(&location.parent()));
            assert_eq!(table.name(file), Some(FileName::of(name)));
        }
    }
}
