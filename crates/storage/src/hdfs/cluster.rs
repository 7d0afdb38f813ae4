use std::path::PathBuf;
use std::sync::Arc;

use hdfs_native::{Client, ClientBuilder, HdfsError};

use super::error::said;
use super::{Changes, HdfsAuthority, HdfsStorage};
use crate::port::{Key, Operation, StorageError};

/// The port of a `NameNode` whose address says none, as everywhere in Hadoop.
const DEFAULT_PORT: u16 = 8020;

/// As whom a Hadoop file system is reached, and by which settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HdfsAccess {
    /// As Hadoop's own client in this process: `HADOOP_USER_NAME`, `HADOOP_PROXY_USER` and the user of the process, its
    /// Kerberos tickets and delegation tokens, `HADOOP_CONF_DIR` and `HADOOP_HOME`. Only where whoever started the process
    /// also says what is done, as with a command: a tenant's directory reached so is reached with the rights of another.
    OfThisProcess,
    /// A user by name, where Hadoop believes everybody (`hadoop.security.authentication` is `simple`). What the
    /// configuration leaves out is as everywhere in Hadoop. Tickets and tokens of this process would count beside the name
    /// where Hadoop believes nobody, so that this is no way for tenants to be told apart.
    As {
        user: String,
        /// The directory of `core-site.xml` and `hdfs-site.xml`; that of this process where none is said.
        configuration: Option<PathBuf>,
    },
}

/// A Hadoop file system, as one user.
#[derive(Debug, Clone)]
pub struct HdfsCluster {
    client: Client,
    authority: Arc<HdfsAuthority>,
}

impl HdfsCluster {
    /// Asks nothing of it yet.
    ///
    /// # Errors
    /// If the configuration cannot be read.
    pub fn new(authority: &HdfsAuthority, access: &HdfsAccess) -> Result<Self, StorageError> {
        let client = match connect(authority, access) {
            // No nameservice of the configuration, so it is a host.
            Err(HdfsError::InvalidArgument(_)) if authority.port().is_none() => {
                connect(&authority.at(DEFAULT_PORT), access)
            }
            connected => connected,
        };
        let client = client.map_err(|error| StorageError::Unavailable {
            operation: Operation::Open,
            path: format!("hdfs://{authority}"),
            cause: Arc::new(said(&error)),
        })?;
        Ok(Self {
            client,
            authority: Arc::new(authority.clone()),
        })
    }

    /// A directory in which files can be written and deleted.
    #[must_use]
    pub fn directory(&self, directory: Key) -> HdfsStorage {
        self.storage(directory, Changes::ForGood)
    }

    /// All of it; nothing can be written or deleted through it.
    #[must_use]
    pub fn look_into(&self) -> HdfsStorage {
        self.storage(Key::root(), Changes::None)
    }

    fn storage(&self, directory: Key, changes: Changes) -> HdfsStorage {
        HdfsStorage {
            client: self.client.clone(),
            authority: Arc::clone(&self.authority),
            directory,
            changes,
        }
    }
}

fn connect(authority: &HdfsAuthority, access: &HdfsAccess) -> hdfs_native::Result<Client> {
    // The client waits only after it has asked every NameNode once. Of a nameservice there are two, as a rule.
    let attempts = match authority.port() {
        Some(_) => "15",
        None => "30",
    };
    let settings = [
        // Never an observer, whose answers may be old: a listing must show what was written before it was asked for.
        (
            format!("dfs.client.failover.proxy.provider.{}", authority.host()),
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
        ),
        // Half a minute, not three: as long as it takes another NameNode to become active.
        ("dfs.client.failover.sleep.max.millis".to_owned(), "2000"),
        ("dfs.client.failover.max.attempts".to_owned(), attempts),
    ];
    let builder = ClientBuilder::new()
        .with_url(format!("hdfs://{authority}"))
        .with_config(settings);
    let builder = match access {
        HdfsAccess::OfThisProcess => builder,
        HdfsAccess::As {
            user,
            configuration,
        } => {
            let builder = builder.with_user(user);
            match configuration {
                Some(directory) => builder.with_config_dir(directory.to_string_lossy()),
                None => builder,
            }
        }
    };
    builder.build()
}
