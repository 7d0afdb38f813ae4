//! How much, how large, how long: neither side can make the other hold more than this, or wait for ever.

use std::time::Duration;

/// Calls that run at the same time on one connection; further ones wait on the operator's side.
pub(crate) const CALLS_AT_ONCE: u32 = 64;
/// How much of one answer may be on its way. More would only be read ahead of what is asked for.
pub(crate) const STREAM_WINDOW: u32 = 64 * 1024;
/// Room for the windows of all calls: one whose answer nobody takes keeps none of the others waiting.
pub(crate) const CONNECTION_WINDOW: u32 = CALLS_AT_ONCE * STREAM_WINDOW;
/// What waits on the sender's side for room in a window.
pub(crate) const SEND_BUFFER: usize = 16 * 1024;
/// The longest message; a longer one ends the call.
pub(crate) const LONGEST_MESSAGE: usize = 256 * 1024;
/// Bytes of a file in one message.
pub(crate) const PART: usize = 32 * 1024;
/// Entries in one message: with names as long as any store allows they are shorter than [`LONGEST_MESSAGE`].
pub(crate) const ENTRIES: usize = 128;
/// The longest file that is written: documents of the journal end before.
pub(crate) const LONGEST_WRITE: u64 = 256 * 1024 * 1024;
/// The longest text about an error.
pub(crate) const LONGEST_DETAIL: usize = 4096;
/// The longest headers, which carry a token.
pub(crate) const LONGEST_HEADERS: u32 = 16 * 1024;
/// Roots of one worker.
pub(crate) const ROOTS: usize = 64;

/// A network that is cut is noticed after these two.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(10);
pub(crate) const PING_ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// From the first byte to an authenticated connection.
pub(crate) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(20);
