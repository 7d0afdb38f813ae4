//! Which Hadoop file systems the command line reaches, and as whom: as Hadoop's own client would in the same shell.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use retention::location::{Location, LocationError, Origin};
use storage::{HdfsAccess, HdfsAuthority, HdfsCluster, HdfsStorage, StorageError};

/// `HADOOP_USER_NAME` and `HADOOP_CONF_DIR` count.
pub(super) fn cluster(authority: &HdfsAuthority) -> Result<HdfsCluster, StorageError> {
    HdfsCluster::new(authority, &HdfsAccess::OfThisProcess)
}

/// Each with its connections, whatever the number of directories in it.
#[derive(Debug, Default)]
pub(super) struct Clusters(BTreeMap<HdfsAuthority, HdfsCluster>);

impl Clusters {
    pub(super) fn of(&mut self, authority: &HdfsAuthority) -> Result<&HdfsCluster, StorageError> {
        Ok(match self.0.entry(authority.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(cluster(authority)?),
        })
    }

    /// All of each, to look into: snapshots may name files of other directories.
    pub(super) fn rest(&self) -> Result<Vec<(Location, HdfsStorage)>, LocationError> {
        let all = self.0.iter().map(|(authority, cluster)| {
            let root = Location::parse(&format!("hdfs://{authority}"), &Origin::default())?;
            Ok((root, cluster.look_into()))
        });
        all.collect()
    }
}
