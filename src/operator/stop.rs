//! SIGTERM and SIGINT: finish the delete that is under way, begin none, give the lease back, end well.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal that asks this process to stop.
///
/// # Errors
/// The operating system lets us not listen to signals.
pub(super) fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(
            signal = name,
            "stopping: no new batches, then the lease is given back"
        );
        token.cancel();
    });
    Ok(stop)
}
