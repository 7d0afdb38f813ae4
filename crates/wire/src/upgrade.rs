//! How a worker asks to be one: `GET` with `Upgrade`, its version and its token, as HTTP/1.1 knows it. What follows a
//! `101` is HTTP/2, with the operator asking.

use http::header::{AUTHORIZATION, CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::PROTOCOL;

/// The only path of the operator's endpoint.
pub(crate) const PATH: &str = "/worker";
const UPGRADE_WORD: &str = "upgrade";
const BEARER: &str = "Bearer ";

/// The name of what both sides speak, with its version.
pub(crate) fn protocol() -> HeaderValue {
    // Letters and digits only.
    HeaderValue::try_from(format!("flink-retention-worker/{PROTOCOL}"))
        .unwrap_or(HeaderValue::from_static("flink-retention-worker"))
}

/// What a worker sends. None for a token that no header can hold.
pub(crate) fn asking(token: &str) -> Option<HeaderMap> {
    let mut token = HeaderValue::try_from(format!("{BEARER}{token}")).ok()?;
    token.set_sensitive(true);
    let mut headers = accepting();
    headers.insert(AUTHORIZATION, token);
    Some(headers)
}

/// What an operator answers.
pub(crate) fn accepting() -> HeaderMap {
    HeaderMap::from_iter([
        (CONNECTION, HeaderValue::from_static(UPGRADE_WORD)),
        (UPGRADE, protocol()),
    ])
}

/// Whether the other side speaks the same.
pub(crate) fn is_understood(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE) == Some(&protocol())
}

pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let token = headers.get(AUTHORIZATION)?.to_str().ok()?;
    token.strip_prefix(BEARER).filter(|token| !token.is_empty())
}
