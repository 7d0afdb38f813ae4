use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::object::page::{Asked, NoPage, is_the_one};

/// Only names for the access points of a bucket end so; what such a page says is the name of the bucket is not certain.
const ACCESS_POINT: &str = "-s3alias";

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
        return Err(NoPage::other(&format!("<{root}>"), "<ListBucketResult>"));
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
        is_the_one("bucket", asked.bucket, &name.unwrap_or_default())?;
    }
    is_the_one("prefix", &asked.prefix, &prefix.unwrap_or_default())?;
    is_the_one(
        "delimiter",
        &asked.delimiter,
        &delimiter.unwrap_or_default(),
    )?;
    if let Some(token) = continuation_token {
        is_the_one("continuation token", &asked.token, &token)?;
    }
    let objects = contents.iter().map(|object| &object.key);
    let directories = common_prefixes.iter().map(|common| &common.prefix);
    let next = next_continuation_token.unwrap_or_default();
    asked.check(objects.chain(directories), is_truncated.then_some(&next))
}

/// The name of the outermost element.
pub(in crate::object) fn root(body: &[u8]) -> Result<String, NoPage> {
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
