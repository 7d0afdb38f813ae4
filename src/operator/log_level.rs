//! The log filter of the administrator's file, without a restart.

use std::convert::Infallible;
use std::time::Duration;

use super::administrator::AdministratorFile;
use crate::telemetry::logs::Filter;

/// A mounted `ConfigMap` takes up to a minute to change anyway.
const EVERY: Duration = Duration::from_secs(2);

/// Follows the file for ever, whether this process leads or not. While the file cannot be used, the last filter stays.
pub(super) async fn follow(file: AdministratorFile, filter: Filter) -> Infallible {
    loop {
        let current = file.current().await;
        if current.problem.is_none() {
            let wanted = current.administrator.log.as_deref();
            match filter.set(wanted) {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, filter = wanted, "`log` in the administrator's file is no filter; the last one stays");
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
