//! Questions with a time limit: the client itself would wait for ever.

use std::io;
use std::time::Duration;

use hdfs_native::HdfsError;
use hdfs_native::client::FileStatus;

use super::HdfsStorage;
use crate::port::Key;

/// A `NameNode` answers in milliseconds, or is so busy that it should be left alone. But one whose machine is gone does not
/// even refuse: Linux tries to connect for 127 s, and only then does the client ask the next one.
const ANSWER_WITHIN: Duration = Duration::from_secs(150);
/// A look goes before every change, so the client knows whom to ask. What is asked and not answered may still be done; not
/// long after it was decided, please.
const CHANGE_WITHIN: Duration = Duration::from_mins(1);
/// What is to be deleted was allowed a moment ago. The client may ask several `NameNodes` in this time, and after it none.
const DELETE_WITHIN: Duration = Duration::from_secs(20);
/// The client gives up on a silent `DataNode` after a minute, and then asks the next.
const BYTES_WITHIN: Duration = Duration::from_mins(4);

/// What the `NameNode` knows.
pub(super) fn question<T>(
    call: impl Future<Output = hdfs_native::Result<T>>,
) -> impl Future<Output = hdfs_native::Result<T>> {
    within(ANSWER_WITHIN, "the NameNode", Box::pin(call))
}

/// What the `NameNode` did.
pub(super) fn change<T>(
    call: impl Future<Output = hdfs_native::Result<T>>,
) -> impl Future<Output = hdfs_native::Result<T>> {
    within(CHANGE_WITHIN, "the NameNode", Box::pin(call))
}

/// What the `NameNode` deleted.
pub(super) fn deletion<T>(
    call: impl Future<Output = hdfs_native::Result<T>>,
) -> impl Future<Output = hdfs_native::Result<T>> {
    within(DELETE_WITHIN, "the NameNode", Box::pin(call))
}

/// The next bytes of `DataNodes`, or their word that they have some.
pub(super) fn data_nodes<T>(
    call: impl Future<Output = hdfs_native::Result<T>>,
) -> impl Future<Output = hdfs_native::Result<T>> {
    within(BYTES_WITHIN, "the DataNodes", Box::pin(call))
}

/// Boxed, because what the client does is large, and every caller would hold it.
async fn within<T>(
    limit: Duration,
    whose: &str,
    call: impl Future<Output = hdfs_native::Result<T>>,
) -> hdfs_native::Result<T> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        let said = format!("no answer of {whose} within {} s", limit.as_secs());
        Err(HdfsError::IOError(io::Error::new(
            io::ErrorKind::TimedOut,
            said,
        )))
    })
}

impl HdfsStorage {
    /// The path in the file system.
    pub(super) fn path(&self, key: &Key) -> String {
        format!("/{}", self.directory.join_key(key))
    }

    /// The path of something in the file system, for messages.
    pub(super) fn location_of(&self, path: &str) -> String {
        format!("hdfs://{}{path}", self.authority)
    }

    pub(super) async fn status(&self, path: &str) -> hdfs_native::Result<FileStatus> {
        question(self.client.get_file_info(path)).await
    }
}
