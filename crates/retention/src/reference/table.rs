use super::FileName;
use crate::location::Location;
use jiff::Timestamp;
use std::collections::HashMap;

/// A referenced file in a [`ReferenceTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whether a referenced file was seen where its references say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody has looked yet.
    Unknown,
    /// It was listed, with its size in bytes and its modification time.
    Present {
        size: u64,
        modified: Option<Timestamp>,
    },
    /// A complete listing or a successful look-up did not have it.
    Absent,
}

/// Every file that any snapshot names: each once, however many snapshots share it.
///
/// A few dozen bytes a file. Names protect ([`Self::protects`]); exact locations decide restorability.
#[derive(Clone, Debug, Default)]
pub struct ReferenceTable {
    directories: Vec<Location>,
    directory_ids: HashMap<Location, u32>,
    files: Vec<ReferencedFile>,
    by_name: HashMap<FileName, u32>,
}

#[derive(Clone, Debug)]
struct ReferencedFile {
    name: FileName,
    /// The name as written, where it is not the key itself.
    spelling: Option<Box<str>>,
    directory: u32,
    /// The next file of the same name in another directory; its own index at the end of the chain.
    next: u32,
    found: Found,
}

impl ReferenceTable {
    /// Adds a referenced file, or finds it if it is there.
    pub fn insert(&mut self, directory: &Location, name: &str) -> FileId {
        let spelling = name;
        let name = FileName::of(spelling);
        let directory = self.directory(directory);
        let new = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let mut next = new;
        if let Some(&first) = self.by_name.get(&name) {
            if let Some(known) = self
                .chain(first)
                .find(|(_, file)| file.directory == directory)
            {
                return FileId(known.0);
            }
            next = first;
        }
        self.by_name.insert(name.clone(), new);
        let spelling = (name.to_string() != spelling).then(|| spelling.into());
        self.files.push(ReferencedFile {
            name,
            spelling,
            directory,
            next,
            found: Found::Unknown,
        });
        FileId(new)
    }

    /// Whether any snapshot names a file of this name, wherever it is.
    #[must_use]
    pub fn protects(&self, name: &FileName) -> bool {
        self.by_name.contains_key(name)
    }

    /// Notes that a file was listed in `directory`. True if a reference says that it is there.
    pub fn found(
        &mut self,
        directory: &Location,
        name: &FileName,
        size: u64,
        modified: Option<Timestamp>,
    ) -> bool {
        let Some(&first) = self.by_name.get(name) else {
            return false;
        };
        let Some(&directory) = self.directory_ids.get(directory) else {
            return false;
        };
        let expected = self
            .chain(first)
            .find(|(_, file)| file.directory == directory)
            .map(|(position, _)| position);
        if let Some(position) = expected {
            self.set(FileId(position), Found::Present { size, modified });
        }
        expected.is_some()
    }

    /// Records the answer of a look-up.
    pub fn set(&mut self, file: FileId, found: Found) {
        if let Some(file) = self.files.get_mut(file.0 as usize) {
            file.found = found;
        }
    }

    /// What is known of a file.
    #[must_use]
    pub fn state(&self, file: FileId) -> Found {
        self.files
            .get(file.0 as usize)
            .map_or(Found::Unknown, |file| file.found)
    }

    #[must_use]
    pub fn location(&self, file: FileId) -> Option<Location> {
        let file = self.files.get(file.0 as usize)?;
        let directory = self.directories.get(file.directory as usize)?;
        Some(match &file.spelling {
            Some(spelling) => directory.join(spelling),
            None => directory.join(&file.name.to_string()),
        })
    }

    #[must_use]
    pub fn name(&self, file: FileId) -> Option<&FileName> {
        self.files.get(file.0 as usize).map(|file| &file.name)
    }

    /// The directory that references say a file is in.
    #[must_use]
    pub fn directory_of(&self, file: FileId) -> Option<&Location> {
        let file = self.files.get(file.0 as usize)?;
        self.directories.get(file.directory as usize)
    }

    /// The position of a file's directory in [`Self::directories`].
    pub(crate) fn directory_index(&self, file: FileId) -> Option<usize> {
        Some(self.files.get(file.index())?.directory as usize)
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
        self.files
            .iter()
            .zip(0..)
            .filter_map(|(file, id)| match file.found {
                Found::Unknown => Some(FileId(id)),
                Found::Present { .. } | Found::Absent => None,
            })
    }

    /// The files of a name, in every directory in which snapshots expect it.
    pub fn with_name(&self, name: &FileName) -> impl Iterator<Item = FileId> + '_ {
        self.by_name
            .get(name)
            .into_iter()
            .flat_map(|&first| self.chain(first).map(|(position, _)| FileId(position)))
    }

    /// The number of distinct referenced files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn directory(&mut self, location: &Location) -> u32 {
        if let Some(&id) = self.directory_ids.get(location) {
            return id;
        }
        let id = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
        self.directories.push(location.clone());
        self.directory_ids.insert(location.clone(), id);
        id
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = (u32, &ReferencedFile)> {
        let mut position = Some(first);
        std::iter::from_fn(move || {
            let current = position?;
            let file = self.files.get(current as usize)?;
            position = (file.next != current).then_some(file.next);
            Some((current, file))
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
            assert_eq!(table.name(file), Some(&FileName::of(name)));
        }
    }
}
