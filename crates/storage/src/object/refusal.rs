use http::StatusCode;
use http::response::Parts;
use opendal::raw::Operation;
use opendal::{Error, ErrorKind, Result};

use super::protocol::Protocol;

/// Whether the client understands what was answered. It goes by the status alone, and everything between us and the
/// store can give one.
pub(super) fn check(
    protocol: Protocol,
    asked: Operation,
    answer: &Parts,
    body: &[u8],
) -> Result<()> {
    match answer.status {
        StatusCode::NOT_IMPLEMENTED => Err(Error::new(
            ErrorKind::Unsupported,
            "the store does not implement the request (501)",
        )),
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => match protocol.objection(body) {
            Some(why) => Err(Error::new(ErrorKind::Conflict, why)),
            None => Ok(()),
        },
        StatusCode::FORBIDDEN => protocol.is_for_want_of_permission(&answer.headers, body),
        StatusCode::NOT_FOUND
            if protocol.names_what_is_missing(asked) && !protocol.says_that_it_is_missing(body) =>
        {
            let text =
                "404 came from something that is not the store: it does not say what is missing";
            Err(Error::new(ErrorKind::Unexpected, text).set_temporary())
        }
        _ => Ok(()),
    }
}
