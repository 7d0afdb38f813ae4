use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::object::page::{Asked, NoPage, is_the_one};

const KIND: &str = "storage#objects";

/// A page with the names of `Objects: list`. That more pages follow is said by the token alone; what was asked for is not
/// repeated, so only by what is on it can a page show that it is of another listing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    kind: String,
    next_page_token: Option<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    unreachable: Vec<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// What the client would take for empty if it were missing.
#[derive(Deserialize)]
struct Item {
    name: String,
    bucket: String,
    generation: String,
}

pub(in crate::object) fn check(asked: &Asked<'_>, body: &[u8]) -> Result<(), NoPage> {
    let Page {
        kind,
        next_page_token,
        prefixes,
        items,
        unreachable,
        error,
    } = serde_json::from_slice(body).map_err(|why| NoPage::Incomplete(why.to_string()))?;
    if kind != KIND {
        return Err(NoPage::other(&kind, KIND));
    }
    if error.is_some() {
        return Err(NoPage::Error);
    }
    if !unreachable.is_empty() {
        return Err(NoPage::Unreachable);
    }
    for Item {
        name,
        bucket,
        generation,
    } in &items
    {
        is_the_one("bucket", asked.bucket, bucket)?;
        if generation.parse::<u64>().is_err() {
            return Err(NoPage::WithoutGeneration);
        }
        if is_too_deep(asked, name) {
            return Err(NoPage::outside(name));
        }
    }
    let objects = items.iter().map(|item| &item.name);
    asked.check(objects.chain(&prefixes), next_page_token.as_deref())
}

/// Deeper than one level, which shows that the delimiter was not passed on.
fn is_too_deep(asked: &Asked<'_>, name: &str) -> bool {
    let rest = name.strip_prefix(&asked.prefix).unwrap_or(name);
    let delimiter = asked.delimiter.as_str();
    let inside = rest.strip_suffix(delimiter).unwrap_or(rest);
    !delimiter.is_empty() && inside.contains(delimiter)
}
