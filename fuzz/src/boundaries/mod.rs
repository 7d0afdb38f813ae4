//! Everywhere that bytes come in which others wrote. A target takes any bytes, and fails only by a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "it is how a target fails")]

mod flink_resources;
mod ha_values;
mod journal;
mod metadata;
mod rest_answers;
mod world;

pub use flink_resources::flink_resources;
pub use ha_values::ha_values;
pub use journal::journal;
pub use metadata::metadata;
pub use rest_answers::rest_answers;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without I/O");
}

fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}
