//! What stands between the operator and the storage of its tenants: none of them may take the process from the others.

use std::sync::Arc;

use storage::{Budgeted, MemoryBudget, Requests};

use crate::engine::Stores;

/// The same stores: what is read from all that share this budget shares one amount of memory, and every request is
/// counted.
pub(super) fn shared_by_tenants(
    stores: &Stores,
    budget: &MemoryBudget,
    counting: &Arc<dyn Requests>,
) -> Stores {
    let budget = budget.clone();
    stores
        .each(move |storage| Arc::new(Budgeted::new(storage, budget.clone())))
        .observed_by(counting)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::telemetry::Metrics;
    use retention::location::Location;
    use std::time::Duration;
    use tokio::time::timeout;

    /// Two mounts, each with a file `a`.
    async fn stores(directory: &tempfile::TempDir) -> Stores {
        let mounts = ["one", "two"].map(|name| {
            let local = directory.path().join(name);
            std::fs::create_dir(&local).unwrap();
            std::fs::write(local.join("a"), "a").unwrap();
            format!("file:/{name}={}", local.display()).parse().unwrap()
        });
        let counting: Arc<dyn Requests> =
            Arc::new(Metrics::new(crate::telemetry::JobLabels::Job).unwrap());
        shared_by_tenants(
            &Stores::open(mounts.to_vec()).await.unwrap(),
            &MemoryBudget::default(),
            &counting,
        )
    }

    #[tokio::test]
    async fn all_volumes_share_one_budget() {
        let directory = tempfile::tempdir().unwrap();
        let stores = stores(&directory).await;
        let [(one, a), (two, b)] = ["/one/a", "/two/a"].map(|path| {
            let location = Location::parse(path, &stores.origin(None)).unwrap();
            stores.resolve(&location).unwrap()
        });
        let mut held = Vec::new();
        // More than any budget allows: the one who waits then is told apart from one who is slow by going on later.
        let waits = loop {
            let read = timeout(Duration::from_secs(1), one.read(&a, 1)).await;
            match read {
                Ok(contents) => held.push(contents.unwrap()),
                Err(_) => break two.read(&b, 1),
            }
            assert!(held.len() < 1000, "nothing limits what is read");
        };
        let mut waits = waits;
        assert!(
            timeout(Duration::from_millis(100), &mut waits)
                .await
                .is_err()
        );
        drop(held);
        assert_eq!(waits.await.unwrap().bytes, "a");
    }
}
