use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};
use opendal::{Error, ErrorKind, Result};
use serde::Deserialize;

/// What S3 says when it refuses something.
#[derive(Deserialize)]
#[serde(rename = "Error", rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

/// Requests are signed with a time, which S3 lets differ from its own by this much.
const CLOCKS_MAY_DIFFER: SignedDuration = SignedDuration::from_mins(15);

/// Whether it is the store that says that something is missing.
pub(in crate::object) fn says_that_it_is_missing(body: &[u8]) -> bool {
    let refusal = quick_xml::de::from_reader::<_, Refusal>(body);
    refusal.is_ok_and(|refusal| !refusal.code.is_empty())
}

/// To HEAD a store does not say why it forbids something.
pub(in crate::object) fn clocks_agree(headers: &HeaderMap) -> Result<()> {
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
