use std::collections::BTreeMap;

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

/// Every node below the root. The root is not in it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Children,
    /// The files that were removed, where the store keeps them.
    previous: Option<BTreeMap<Key, Vec<(Bytes, Timestamp)>>>,
}

type Children = BTreeMap<Box<str>, Child>;

#[derive(Debug)]
struct Child {
    node: Node,
    modified: Timestamp,
    /// What is in it, if it is a directory.
    children: Children,
}

pub(super) struct Found {
    pub(super) node: Node,
    pub(super) entry: Entry,
}

/// What is on the way to a key.
enum Way<'t, 'k> {
    /// The names in the directory that holds the key, and its own name in it.
    Clear(&'t Children, &'k str),
    /// A directory above it does not exist.
    Missing,
    /// This is no directory.
    Obstacle(&'t Node, String),
}

impl Tree {
    /// What is at `key`, provided that everything above is a directory.
    pub(super) fn find(
        &self,
        key: &Key,
        operation: Operation,
        store: &dyn Storage,
    ) -> Result<Option<Found>, StorageError> {
        if key.is_root() {
            let node = Node::Directory;
            let entry = entry(key.clone(), &node, Timestamp::UNIX_EPOCH);
            return Ok(Some(Found { node, entry }));
        }
        let child = self.child(key, operation, store)?;
        Ok(child.map(|child| Found {
            entry: entry(key.clone(), &child.node, child.modified),
            node: child.node.clone(),
        }))
    }

    fn child(
        &self,
        key: &Key,
        operation: Operation,
        store: &dyn Storage,
    ) -> Result<Option<&Child>, StorageError> {
        let (node, obstacle) = match self.way(key) {
            Way::Clear(children, name) => return Ok(children.get(name)),
            Way::Missing => return Ok(None),
            Way::Obstacle(node, at) => (node, at),
        };
        let path = store.location(key);
        let at = Key::parse(&obstacle).map_or(obstacle, |at| store.location(&at));
        Err(match node {
            Node::Symlink => StorageError::SymlinkInPath {
                operation,
                path,
                link: at,
            },
            Node::Directory | Node::File(_) | Node::Other => StorageError::NotADirectory {
                operation,
                path,
                obstacle: at,
            },
        })
    }

    fn way<'t, 'k>(&'t self, key: &'k Key) -> Way<'t, 'k> {
        let mut children = &self.root;
        let mut segments = key.segments().peekable();
        let mut above = 0;
        while let Some(name) = segments.next() {
            if segments.peek().is_none() {
                return Way::Clear(children, name);
            }
            above += name.len() + 1;
            match children.get(name) {
                None => return Way::Missing,
                Some(child) if child.node == Node::Directory => children = &child.children,
                Some(child) => {
                    let obstacle = key.as_str().get(..above - 1).unwrap_or_default();
                    return Way::Obstacle(&child.node, obstacle.to_owned());
                }
            }
        }
        Way::Missing
    }

    pub(super) fn names(
        &self,
        directory: &Key,
        store: &dyn Storage,
    ) -> Result<Vec<Key>, StorageError> {
        let children = self.children(directory, store)?.keys();
        Ok(children
            .filter_map(|name| directory.join(name).ok())
            .collect())
    }

    /// Fails unless there is a directory.
    pub(super) fn check_directory(
        &self,
        directory: &Key,
        store: &dyn Storage,
    ) -> Result<(), StorageError> {
        self.children(directory, store).map(|_| ())
    }

    fn children(&self, directory: &Key, store: &dyn Storage) -> Result<&Children, StorageError> {
        let operation = Operation::List;
        if directory.is_root() {
            return Ok(&self.root);
        }
        let path = || store.location(directory);
        let Some(child) = self.child(directory, operation, store)? else {
            let path = path();
            return Err(StorageError::NotFound { operation, path });
        };
        match child.node {
            Node::Directory => Ok(&child.children),
            Node::Symlink => Err(StorageError::SymlinkInPath {
                operation,
                path: path(),
                link: path(),
            }),
            Node::File(_) | Node::Other => Err(StorageError::NotADirectory {
                operation,
                path: path(),
                obstacle: path(),
            }),
        }
    }

    pub(super) fn is_empty(&self, directory: &Key) -> bool {
        match self.way(directory) {
            Way::Clear(children, name) => children
                .get(name)
                .is_none_or(|child| child.children.is_empty()),
            Way::Missing | Way::Obstacle(..) => directory.is_root() && self.root.is_empty(),
        }
    }

    pub(super) fn insert(&mut self, key: &Key, node: Node, now: Timestamp) {
        let mut children = &mut self.root;
        let mut segments = key.segments().peekable();
        while let Some(name) = segments.next() {
            if segments.peek().is_none() {
                match children.get_mut(name) {
                    // What is in a directory stays when it is made again.
                    Some(child) => {
                        if node != Node::Directory {
                            child.children.clear();
                        }
                        (child.node, child.modified) = (node, now);
                    }
                    None => {
                        children.insert(name.into(), Child::new(node, now));
                    }
                }
                return;
            }
            let directory = children
                .entry(name.into())
                .or_insert_with(|| Child::new(Node::Directory, now));
            if directory.node != Node::Directory {
                return;
            }
            children = &mut directory.children;
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if self.previous.is_some() {
            self.remember(key);
        }
        let mut children = &mut self.root;
        let mut segments = key.segments().peekable();
        while let Some(name) = segments.next() {
            if segments.peek().is_none() {
                children.remove(name);
                return;
            }
            match children.get_mut(name) {
                Some(child) => children = &mut child.children,
                None => return,
            }
        }
    }

    /// From now on a file that is removed stays as a previous version, as in a versioned bucket.
    pub(super) fn keep_versions(&mut self) {
        self.previous.get_or_insert_default();
    }

    /// Makes the newest previous version of a removed file the present one, with its time. False if it has none.
    pub(super) fn bring_back(&mut self, key: &Key) -> bool {
        if matches!(self.way(key), Way::Clear(children, name) if children.contains_key(name)) {
            return false;
        }
        let versions = self.previous.as_mut().and_then(|all| all.get_mut(key));
        let Some((bytes, modified)) = versions.and_then(Vec::pop) else {
            return false;
        };
        self.insert(key, Node::File(bytes), modified);
        true
    }

    /// Keeps the file at `key`, or those below it, as previous versions.
    fn remember(&mut self, key: &Key) {
        let mut files = Vec::new();
        if let Way::Clear(children, name) = self.way(key)
            && let Some(child) = children.get(name)
        {
            match &child.node {
                Node::File(bytes) => files.push((key.clone(), bytes.clone(), child.modified)),
                Node::Directory => collect(&child.children, key, &mut files),
                Node::Symlink | Node::Other => {}
            }
        }
        let previous = self.previous.get_or_insert_default();
        for (key, bytes, modified) in files {
            previous.entry(key).or_default().push((bytes, modified));
        }
    }

    pub(super) fn files(&self) -> Vec<(Key, Bytes)> {
        let mut files = Vec::new();
        collect(&self.root, &Key::root(), &mut files);
        let mut files: Vec<(Key, Bytes)> = files
            .into_iter()
            .map(|(key, bytes, _)| (key, bytes))
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files
    }
}

fn collect(children: &Children, directory: &Key, files: &mut Vec<(Key, Bytes, Timestamp)>) {
    for (name, child) in children {
        let Ok(key) = directory.join(name) else {
            continue;
        };
        match &child.node {
            Node::File(bytes) => files.push((key, bytes.clone(), child.modified)),
            Node::Directory => collect(&child.children, &key, files),
            Node::Symlink | Node::Other => {}
        }
    }
}

impl Child {
    fn new(node: Node, modified: Timestamp) -> Self {
        Self {
            node,
            modified,
            children: Children::new(),
        }
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
