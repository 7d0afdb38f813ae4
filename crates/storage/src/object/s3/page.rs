use opendal::raw::percent_encode_path;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Why the body of an answer is no page of a listing. The client would take any well-formed document without contents
/// for the whole of an empty directory.
#[derive(Debug, thiserror::Error)]
pub(in crate::object) enum NoPage {
    #[error("the store answered a listing with 200 and no XML: {0}")]
    Xml(String),
    #[error("the store answered a listing with 200 and <{0}> instead of <ListBucketResult>")]
    Other(String),
    #[error("a page of a listing is incomplete: {0}")]
    Incomplete(String),
    #[error("a page of a listing says that there are more, but not where they begin")]
    NoToken,
    #[error("a page of a listing says that the next one is the same again")]
    SameToken,
    #[error("the names in a listing are encoded, which was not asked for")]
    Encoded,
    #[error("a page of a listing contains an error")]
    Error,
}

/// What decides whether more pages follow, with the names of `ListObjectsV2`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    is_truncated: bool,
    next_continuation_token: Option<String>,
    /// Empty where nothing is encoded.
    encoding_type: Option<String>,
    error: Option<IgnoredAny>,
}

/// `query` is that of the request.
pub(in crate::object) fn check(query: &str, body: &[u8]) -> Result<(), NoPage> {
    let root = root(body)?;
    if root != "ListBucketResult" {
        return Err(NoPage::Other(root));
    }
    let Page {
        is_truncated,
        next_continuation_token,
        encoding_type,
        error,
    } = quick_xml::de::from_reader(body).map_err(|why| NoPage::Incomplete(why.to_string()))?;
    if error.is_some() {
        return Err(NoPage::Error);
    }
    if encoding_type.is_some_and(|how| !how.is_empty()) {
        return Err(NoPage::Encoded);
    }
    if !is_truncated {
        return Ok(());
    }
    let next = next_continuation_token.unwrap_or_default();
    let asked = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("continuation-token="));
    if next.is_empty() {
        Err(NoPage::NoToken)
    } else if asked == Some(&percent_encode_path(&next)) {
        Err(NoPage::SameToken)
    } else {
        Ok(())
    }
}

/// The name of the outermost element.
fn root(body: &[u8]) -> Result<String, NoPage> {
    let mut reader = Reader::from_reader(body);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let name = element.local_name();
                return Ok(name.as_ref().to_owned());
            }
            Ok(Event::Eof) => return Err(NoPage::Xml("it has no elements".to_owned())),
            Ok(_) => {}
            Err(why) => return Err(NoPage::Xml(why.to_string())),
        }
    }
}
