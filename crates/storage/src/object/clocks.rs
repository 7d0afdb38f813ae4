use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};
use opendal::{Error, ErrorKind, Result};

/// Requests are signed with a time, which S3 and Azure let differ from its own by this much.
const CLOCKS_MAY_DIFFER: SignedDuration = SignedDuration::from_mins(15);

/// To HEAD a store does not say why it forbids something.
pub(super) fn agree(headers: &HeaderMap) -> Result<()> {
    let theirs = headers.get(DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = theirs.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        return Ok(());
    };
    let difference = Timestamp::now().duration_since(theirs.timestamp());
    if difference.abs() < CLOCKS_MAY_DIFFER {
        return Ok(());
    }
    let way = if difference.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    Err(Error::new(
        ErrorKind::Unexpected,
        format!(
            "the clock of this machine is {} s {way} the store's, which accepts at most 15 minutes (RequestTimeTooSkewed); set it",
            difference.abs().as_secs()
        ),
    ))
}
