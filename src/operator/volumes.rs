//! What stands between the operator and the storage of its tenants: none of them may take the process from the others.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use storage::{Budgeted, MemoryBudget, Patience, Requests};
use tokio::time::timeout;

use crate::engine::{Mount, OpenError, Stores};

/// Volumes that the operator cannot begin with.
#[derive(Debug, thiserror::Error)]
pub enum UnopenedMount {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "{which} has not answered within {} s; is the server behind it up? Remove the mount if it is gone for good", within.as_secs()
    )]
    Silent { which: String, within: Duration },
}

/// Opens every mount. From then on each answers in time or fails.
pub(super) async fn open(
    mounts: Vec<Mount>,
    patience: &Arc<Patience>,
) -> Result<Stores, UnopenedMount> {
    let within = patience.longest();
    let silent = |which: String| UnopenedMount::Silent { which, within };
    // Whichever hangs is named.
    let looks = mounts.iter().map(async |mount| {
        let look = timeout(within, tokio::fs::metadata(&mount.local)).await;
        look.is_err().then(|| mount.to_string())
    });
    let hanging: Vec<String> = join_all(looks).await.into_iter().flatten().collect();
    if !hanging.is_empty() {
        return Err(silent(hanging.join(", ")));
    }
    let all: Vec<String> = mounts.iter().map(ToString::to_string).collect();
    let opened = timeout(within, Stores::open(mounts)).await;
    let opened = opened.map_err(|_| silent(format!("one of {}", all.join(", "))))??;
    let patience = Arc::clone(patience);
    Ok(opened.each(move |storage| Arc::new(patience.volume(storage))))
}

/// The stores of the operator: what is read from all that share this budget shares one amount of memory, and every request
/// is counted. (Whoever waits for memory does not wait for a store, so patience comes before.)
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
    use crate::telemetry::{JobLabels, Metrics};
    use retention::location::Location;

    /// Two mounts, each with a file `a`.
    async fn stores(directory: &tempfile::TempDir) -> Stores {
        let mounts = ["one", "two"].map(|name| {
            let local = directory.path().join(name);
            std::fs::create_dir(&local).unwrap();
            std::fs::write(local.join("a"), "a").unwrap();
            format!("file:/{name}={}", local.display()).parse().unwrap()
        });
        let counting: Arc<dyn Requests> = Arc::new(Metrics::new(JobLabels::Job).unwrap());
        let stores = open(mounts.to_vec(), &Arc::default()).await.unwrap();
        shared_by_tenants(&stores, &MemoryBudget::default(), &counting)
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

    /// What hangs here is the only thread that may look.
    #[test]
    fn a_mount_that_does_not_answer_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let mount: Mount = format!("file:/x={}", directory.path().display())
            .parse()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let impatient = Arc::new(Patience::new(Duration::ZERO));
        let error = runtime.block_on(async {
            let (release, hangs) = std::sync::mpsc::channel::<()>();
            let held = tokio::task::spawn_blocking(move || hangs.recv());
            let error = open(vec![mount.clone()], &impatient).await.unwrap_err();
            drop(release);
            held.await.unwrap().unwrap_err();
            error
        });
        let text = error.to_string();
        assert!(text.contains(&mount.to_string()), "{text}");
        assert!(text.contains("has not answered within 0 s"), "{text}");
    }
}
