use opendal::raw::percent_decode_path;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Why the body of an answer is no page of the listing that was asked for. The client would take any well-formed document
/// without contents for the whole of an empty directory.
#[derive(Debug, thiserror::Error)]
pub(in crate::object) enum NoPage {
    #[error("the store answered a listing with 200 and no XML: {0}")]
    Xml(String),
    #[error("the store answered a listing with 200 and <{0}> instead of <ListBucketResult>")]
    Other(String),
    #[error("a page of a listing is incomplete: {0}")]
    Incomplete(String),
    #[error("a listing was asked for with the {what} {asked:?} and answered with {answered:?}")]
    OfSomethingElse {
        what: &'static str,
        asked: String,
        answered: String,
    },
    #[error("the store listed {0:?}, which is outside of what was asked for")]
    Outside(String),
    #[error("a page of a listing says that there are more, but not where they begin")]
    NoToken,
    #[error("a page of a listing says that the next one is the same again")]
    SameToken,
    #[error("the names in a listing are encoded, which was not asked for")]
    Encoded,
    #[error("a page of a listing contains an error")]
    Error,
}

/// A store can say anything.
const LONGEST: usize = 100;
/// Only names for the access points of a bucket end so; what such a page says is the name of the bucket is not certain.
const ACCESS_POINT: &str = "-s3alias";

/// The page of a listing that was asked for.
#[derive(Debug)]
pub(in crate::object) struct Asked<'request> {
    pub(in crate::object) bucket: &'request str,
    pub(in crate::object) prefix: String,
    pub(in crate::object) delimiter: String,
    pub(in crate::object) token: String,
}

impl<'request> Asked<'request> {
    /// None if the request, of which this is the query, asks for no listing.
    pub(in crate::object) fn of(bucket: &'request str, query: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map_or_else(String::new, |(_, value)| percent_decode_path(value))
        };
        (value("list-type") == "2").then(|| Self {
            bucket,
            prefix: value("prefix"),
            delimiter: value("delimiter"),
            token: value("continuation-token"),
        })
    }
}

/// What decides what is listed and whether more pages follow, with the names of `ListObjectsV2`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    name: Option<String>,
    prefix: Option<String>,
    delimiter: Option<String>,
    is_truncated: bool,
    /// Not every store repeats it.
    continuation_token: Option<String>,
    next_continuation_token: Option<String>,
    /// Empty where nothing is encoded.
    encoding_type: Option<String>,
    error: Option<IgnoredAny>,
    #[serde(default)]
    contents: Vec<Object>,
    #[serde(default)]
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

pub(in crate::object) fn check(asked: &Asked<'_>, body: &[u8]) -> Result<(), NoPage> {
    let root = root(body)?;
    if root != "ListBucketResult" {
        return Err(NoPage::Other(root));
    }
    let Page {
        name,
        prefix,
        delimiter,
        is_truncated,
        continuation_token,
        next_continuation_token,
        encoding_type,
        error,
        contents,
        common_prefixes,
    } = quick_xml::de::from_reader(body).map_err(|why| NoPage::Incomplete(why.to_string()))?;
    if error.is_some() {
        return Err(NoPage::Error);
    }
    if encoding_type.is_some_and(|how| !how.is_empty()) {
        return Err(NoPage::Encoded);
    }
    if !asked.bucket.ends_with(ACCESS_POINT) {
        is_the_one("bucket", asked.bucket, name)?;
    }
    is_the_one("prefix", &asked.prefix, prefix)?;
    is_the_one("delimiter", &asked.delimiter, delimiter)?;
    if continuation_token.is_some() {
        is_the_one("continuation token", &asked.token, continuation_token)?;
    }
    // A name that is missing is an empty one, which the client takes for that of the directory itself.
    let objects = contents.iter().map(|object| &object.key);
    let directories = common_prefixes.iter().map(|common| &common.prefix);
    let mut names = objects.chain(directories);
    if let Some(name) = names.find(|name| name.is_empty() || !name.starts_with(&asked.prefix)) {
        return Err(NoPage::Outside(name.chars().take(LONGEST).collect()));
    }
    if !is_truncated {
        return Ok(());
    }
    match next_continuation_token.unwrap_or_default().as_str() {
        "" => Err(NoPage::NoToken),
        next if next == asked.token => Err(NoPage::SameToken),
        _ => Ok(()),
    }
}

/// Whether the answer is to what was asked: a gateway that passes on only a part of the question gets another listing,
/// in which needed files are missing.
fn is_the_one(what: &'static str, asked: &str, answered: Option<String>) -> Result<(), NoPage> {
    let answered = answered.unwrap_or_default();
    if answered == asked {
        return Ok(());
    }
    Err(NoPage::OfSomethingElse {
        what,
        asked: asked.to_owned(),
        answered: answered.chars().take(LONGEST).collect(),
    })
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
