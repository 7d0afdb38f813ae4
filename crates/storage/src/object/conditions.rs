use opendal::ErrorKind;

use super::{ObjectStorage, write};
use crate::port::{Key, Operation, StorageError};

/// Which conditions the store heeds. Stores that speak somebody's protocol may ignore what they do not know of it, and
/// then delete or overwrite without a word, so this is tried out, on an object of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conditions {
    /// That nothing is there, when writing.
    pub(super) writes: bool,
    /// That a certain version is there, when deleting.
    pub(super) deletes: bool,
}

impl ObjectStorage {
    /// Tried out once, before the first change; `operation` on `key` is what waits for it.
    pub(super) async fn conditions(
        &self,
        operation: Operation,
        key: &Key,
    ) -> Result<Conditions, StorageError> {
        let own = self.own(operation, key)?;
        let conditions = self.conditions.get_or_try_init(|| self.try_out(own)).await;
        conditions
            .copied()
            .map_err(|error| self.bucket_failure(operation, key, &error))
    }

    async fn try_out(&self, own: &Key) -> Result<Conditions, opendal::Error> {
        let own = format!("{}{own}", self.prefix);
        let name = format!("{own}/conditions-{:016x}", fastrand::u64(..));
        let operator = &self.operator;
        operator
            .write(&name, "whether conditions are heeded")
            .await?;
        let heeded = self.try_out_on(&name).await;
        // Also where it could not be found out.
        operator.delete(&name).await?;
        heeded
    }

    async fn try_out_on(&self, name: &str) -> Result<Conditions, opendal::Error> {
        let writes = is_refused(write::if_absent(self, name, "they are not").await)?;
        let wrong = self.protocol.mark_of_nothing();
        let deletion = self.protocol.delete_if(&self.operator, name, wrong);
        let deletes = is_refused(deletion.await)? && self.operator.exists(name).await?;
        Ok(Conditions { writes, deletes })
    }
}

/// Whether a condition that does not hold was heeded. A store that says that it does not know the header does no harm
/// either, but then nothing can be done with it.
fn is_refused<T>(answer: Result<T, opendal::Error>) -> Result<bool, opendal::Error> {
    match answer {
        Ok(_) => Ok(false),
        Err(error) => match error.kind() {
            ErrorKind::ConditionNotMatch => Ok(true),
            ErrorKind::Unsupported => Ok(false),
            _ => Err(error),
        },
    }
}
