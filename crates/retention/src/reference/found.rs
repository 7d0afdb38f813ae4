use jiff::Timestamp;

/// Whether a referenced file was seen where its references say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody has looked yet.
    Unknown,
    /// It was listed, with its size in bytes and its modification time.
    Present {
        size: u64,
        modified: Option<Timestamp>,
    },
    /// A complete listing or a successful look-up did not have it.
    Absent,
}
