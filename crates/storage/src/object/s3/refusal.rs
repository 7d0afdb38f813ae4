use http::header::DATE;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use opendal::raw::ServiceOperation;
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

/// Whether the client understands what was answered. It goes by the status alone, and everything between us and the
/// store can give one.
pub(in crate::object) fn check(
    operation: ServiceOperation,
    answer: &Parts,
    body: &[u8],
) -> Result<()> {
    match answer.status {
        StatusCode::NOT_IMPLEMENTED => Err(Error::new(
            ErrorKind::Unsupported,
            "the store does not implement the request (501)",
        )),
        StatusCode::FORBIDDEN => clocks_agree(&answer.headers),
        // An answer to HEAD has no body.
        StatusCode::NOT_FOUND if operation.0 != "HeadObject" && code(body).is_none() => {
            let text =
                "404 came from something that is not the store: it does not say what is missing";
            Err(Error::new(ErrorKind::Unexpected, text).set_temporary())
        }
        _ => Ok(()),
    }
}

fn code(body: &[u8]) -> Option<String> {
    let refusal: Refusal = quick_xml::de::from_reader(body).ok()?;
    Some(refusal.code).filter(|code| !code.is_empty())
}

/// To HEAD a store does not say why it forbids something.
fn clocks_agree(headers: &HeaderMap) -> Result<()> {
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
