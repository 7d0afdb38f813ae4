use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use jiff::Timestamp;

use crate::port::{Entry, EntryKind, Key, Operation, Storage, StorageError, Version};

/// What can be at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    File(Bytes),
    Directory,
    /// A link to anywhere: no one may look.
    Symlink,
    /// A pipe, for example.
    Other,
}

/// Every node below the root by its key; each one's parent is a directory in it. The root is not in it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<Key, (Node, Timestamp)>,
}

pub(super) struct Found {
    pub(super) node: Node,
    pub(super) entry: Entry,
}

impl Tree {
    /// What is at `key`, provided that everything above is a directory.
    pub(super) fn find(
        &self,
        key: &Key,
        operation: Operation,
        store: &dyn Storage,
    ) -> Result<Option<Found>, StorageError> {
        let mut above = key.parent();
        while let Some(directory) = above.filter(|directory| !directory.is_root()) {
            let (path, obstacle) = (store.location(key), store.location(&directory));
            match self.nodes.get(&directory) {
                Some((Node::Directory, _)) => break,
                Some((Node::Symlink, _)) => {
                    return Err(StorageError::SymlinkInPath {
                        operation,
                        path,
                        link: obstacle,
                    });
                }
                Some((Node::File(_) | Node::Other, _)) => {
                    return Err(StorageError::NotADirectory {
                        operation,
                        path,
                        obstacle,
                    });
                }
                None => above = directory.parent(),
            }
        }
        let node = if key.is_root() {
            Some((Node::Directory, Timestamp::UNIX_EPOCH))
        } else {
            self.nodes.get(key).cloned()
        };
        Ok(node.map(|(node, modified)| Found {
            entry: entry(key.clone(), &node, modified),
            node,
        }))
    }

    pub(super) fn names(
        &self,
        directory: &Key,
        store: &dyn Storage,
    ) -> Result<Vec<Key>, StorageError> {
        let (operation, path) = (Operation::List, store.location(directory));
        match self
            .find(directory, operation, store)?
            .map(|found| found.node)
        {
            None => Err(StorageError::NotFound { operation, path }),
            Some(Node::Directory) => Ok(self
                .below(directory)
                .filter(|key| key.parent().as_ref() == Some(directory))
                .cloned()
                .collect()),
            Some(Node::Symlink) => Err(StorageError::SymlinkInPath {
                operation,
                link: path.clone(),
                path,
            }),
            Some(Node::File(_) | Node::Other) => Err(StorageError::NotADirectory {
                operation,
                obstacle: path.clone(),
                path,
            }),
        }
    }

    pub(super) fn is_empty(&self, directory: &Key) -> bool {
        self.below(directory).next().is_none()
    }

    pub(super) fn insert(&mut self, key: &Key, node: Node, now: Timestamp) {
        let Some(parent) = key.parent() else { return };
        let mut directory = Key::root();
        for name in parent.segments() {
            let Ok(deeper) = directory.join(name) else {
                return;
            };
            directory = deeper;
            let (above, _) = self
                .nodes
                .entry(directory.clone())
                .or_insert((Node::Directory, now));
            if *above != Node::Directory {
                return;
            }
        }
        self.nodes.insert(key.clone(), (node, now));
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let gone: Vec<Key> = self.below(key).cloned().collect();
        for key in gone.iter().chain([key]) {
            self.nodes.remove(key);
        }
    }

    pub(super) fn files(&self) -> Vec<(Key, Bytes)> {
        self.nodes
            .iter()
            .filter_map(|(key, (node, _))| match node {
                Node::File(bytes) => Some((key.clone(), bytes.clone())),
                Node::Directory | Node::Symlink | Node::Other => None,
            })
            .collect()
    }

    fn below(&self, directory: &Key) -> impl Iterator<Item = &Key> {
        // Keys sort as strings: between `a` and `a/b` there may be `a.b`, so a neighbour alone does not end the search.
        let prefix = if directory.is_root() {
            String::new()
        } else {
            format!("{directory}/")
        };
        self.nodes
            .range::<Key, _>((Bound::Excluded(directory), Bound::Unbounded))
            .map(|(key, _)| key)
            .skip_while({
                let prefix = prefix.clone();
                move |key| key.as_str() < prefix.as_str()
            })
            .take_while(move |key| key.as_str().starts_with(&prefix))
    }
}

fn entry(key: Key, node: &Node, modified: Timestamp) -> Entry {
    let (kind, size) = match node {
        Node::File(bytes) => (EntryKind::File, bytes.len()),
        Node::Directory => (EntryKind::Directory, 0),
        Node::Symlink => (EntryKind::Symlink, 0),
        Node::Other => (EntryKind::Other, 0),
    };
    let version = Version {
        size: u64::try_from(size).unwrap_or(u64::MAX),
        modified: Some(modified),
        etag: None,
    };
    Entry { key, kind, version }
}
