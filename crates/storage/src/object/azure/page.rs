use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::object::page::{Asked, NoPage, is_the_one};
use crate::object::s3::page::root;

const ROOT: &str = "EnumerationResults";

/// What decides what is listed and whether more pages follow, with the names of `List Blobs`.
///
/// The client takes a page without a `NextMarker` for the first of many, and asks for the first one again; so this, like
/// everything else that it would take for empty, must be there.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(rename = "@ContainerName")]
    container_name: String,
    prefix: Option<Name>,
    delimiter: Option<String>,
    /// Not every store repeats it.
    marker: Option<String>,
    blobs: Blobs,
    next_marker: String,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Blobs {
    #[serde(rename = "$value", default)]
    listed: Vec<Listed>,
}

#[derive(Deserialize)]
enum Listed {
    Blob(Blob),
    BlobPrefix(BlobPrefix),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blob {
    name: Name,
    properties: Properties,
    /// Something of the past, which was not asked for.
    snapshot: Option<IgnoredAny>,
    deleted: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlobPrefix {
    name: Name,
}

#[derive(Deserialize)]
struct Name {
    /// Said of names that XML cannot hold: then the text is not the name.
    #[serde(rename = "@Encoded")]
    encoded: Option<String>,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "Content-Length")]
    _length: u64,
    #[serde(rename = "Etag")]
    etag: String,
}

pub(in crate::object) fn check(asked: &Asked<'_>, body: &[u8]) -> Result<(), NoPage> {
    let root = root(body)?;
    if root != ROOT {
        return Err(NoPage::other(&format!("<{root}>"), "<EnumerationResults>"));
    }
    let Page {
        container_name,
        prefix,
        delimiter,
        marker,
        blobs: Blobs { listed },
        next_marker,
        error,
    } = quick_xml::de::from_reader(body).map_err(|why| NoPage::Incomplete(why.to_string()))?;
    if error.is_some() {
        return Err(NoPage::Error);
    }
    is_the_one("container", asked.bucket, &container_name)?;
    let prefix = prefix.map(Name::literal).transpose()?;
    is_the_one("prefix", &asked.prefix, &prefix.unwrap_or_default())?;
    is_the_one(
        "delimiter",
        &asked.delimiter,
        &delimiter.unwrap_or_default(),
    )?;
    if let Some(marker) = marker {
        is_the_one("marker", &asked.token, &marker)?;
    }
    let names = listed.into_iter().map(Listed::name);
    let names = names.collect::<Result<Vec<_>, _>>()?;
    asked.check(
        names.iter(),
        (!next_marker.is_empty()).then_some(&next_marker),
    )
}

impl Listed {
    fn name(self) -> Result<String, NoPage> {
        let blob = match self {
            Self::BlobPrefix(prefix) => return prefix.name.literal(),
            Self::Blob(blob) => blob,
        };
        if blob.snapshot.is_some() || blob.deleted.is_some() {
            return Err(NoPage::OfThePast);
        }
        if blob.properties.etag.is_empty() {
            return Err(NoPage::WithoutEtag);
        }
        blob.name.literal()
    }
}

impl Name {
    fn literal(self) -> Result<String, NoPage> {
        match self.encoded.as_deref() {
            None | Some("false") => Ok(self.text),
            Some(_) => Err(NoPage::Encoded),
        }
    }
}
