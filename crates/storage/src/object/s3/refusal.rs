use serde::Deserialize;

/// What S3 says when it refuses something.
#[derive(Deserialize)]
#[serde(rename = "Error", rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

/// Whether it is the store that says that something is missing.
pub(in crate::object) fn says_that_it_is_missing(body: &[u8]) -> bool {
    let refusal = quick_xml::de::from_reader::<_, Refusal>(body);
    refusal.is_ok_and(|refusal| !refusal.code.is_empty())
}
