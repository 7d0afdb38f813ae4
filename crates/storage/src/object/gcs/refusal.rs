use http::StatusCode;
use opendal::{Error, ErrorKind, Result};
use serde::Deserialize;

/// What Google says when it refuses something.
#[derive(Deserialize)]
struct Refusal {
    error: Why,
}

#[derive(Deserialize)]
struct Why {
    code: u16,
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

/// Fails where Google says 403 and means something else.
pub(in crate::object) fn is_for_want_of_permission(body: &[u8]) -> Result<()> {
    let Ok(Refusal { error }) = serde_json::from_slice(body) else {
        return Ok(());
    };
    let permanent = |text: &str| Err(Error::new(ErrorKind::Unexpected, text));
    for Reason { reason } in error.errors {
        match reason.as_str() {
            "rateLimitExceeded" | "userRateLimitExceeded" => {
                let text = format!("the store asks for fewer requests ({reason})");
                return Err(Error::new(ErrorKind::RateLimited, text).set_temporary());
            }
            "retentionPolicyNotMet" => {
                return permanent("the bucket's retention policy does not let objects go yet");
            }
            "objectUnderActiveHold" => return permanent("the object is under a hold"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether it is the store that says that something is missing.
pub(in crate::object) fn says_that_it_is_missing(body: &[u8]) -> bool {
    let refusal = serde_json::from_slice::<Refusal>(body);
    refusal.is_ok_and(|refusal| refusal.error.code == StatusCode::NOT_FOUND.as_u16())
}
