use http::StatusCode;
use serde::Deserialize;

/// What Google says when it refuses something.
#[derive(Deserialize)]
struct Refusal {
    error: Why,
}

#[derive(Deserialize)]
struct Why {
    code: u16,
}

/// Whether it is the store that says that something is missing.
pub(in crate::object) fn says_that_it_is_missing(body: &[u8]) -> bool {
    let refusal = serde_json::from_slice::<Refusal>(body);
    refusal.is_ok_and(|refusal| refusal.error.code == StatusCode::NOT_FOUND.as_u16())
}
