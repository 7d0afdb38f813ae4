use opendal::raw::percent_decode_path;

/// Why the body of an answer is no page of the listing that was asked for. The client would take any well-formed document
/// without contents for the whole of an empty directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPage {
    #[error("the store answered a listing with 200 and no XML: {0}")]
    Xml(String),
    #[error("the store answered a listing with 200 and {answered} instead of {wanted}")]
    Other {
        answered: String,
        wanted: &'static str,
    },
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
    #[error("a page of a listing says that there is more than could be reached")]
    Unreachable,
    #[error("a page of a listing has an object without a generation")]
    WithoutGeneration,
    #[error("the store answered with an object without the time at which it was written")]
    WithoutTime,
    #[error("a page of a listing has an object without an etag")]
    WithoutEtag,
    #[error("a page of a listing has snapshots or deleted objects, which were not asked for")]
    OfThePast,
    #[error("a page of a listing contains an error")]
    Error,
}

/// A store can say anything.
const LONGEST: usize = 100;

impl NoPage {
    pub(super) fn outside(name: &str) -> Self {
        Self::Outside(beginning(name))
    }

    pub(super) fn other(answered: &str, wanted: &'static str) -> Self {
        Self::Other {
            answered: beginning(answered),
            wanted,
        }
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The page of a listing that was asked for.
#[derive(Debug)]
pub(super) struct Asked<'request> {
    pub(super) bucket: &'request str,
    pub(super) prefix: String,
    pub(super) delimiter: String,
    /// Where the page begins; empty for the first one.
    pub(super) token: String,
}

impl<'request> Asked<'request> {
    /// `token` is what the protocol calls the token in this query.
    pub(super) fn of(bucket: &'request str, query: &str, token: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map_or_else(String::new, |(_, value)| percent_decode_path(value))
        };
        Self {
            bucket,
            prefix: value("prefix"),
            delimiter: value("delimiter"),
            token: value(token),
        }
    }

    /// Of every protocol: `names` are all that are on the page, `next` where the next one begins, if there is one.
    pub(super) fn check<'page>(
        &self,
        mut names: impl Iterator<Item = &'page String>,
        next: Option<&str>,
    ) -> Result<(), NoPage> {
        // A name that is missing is an empty one, which the client takes for that of the directory itself.
        if let Some(name) = names.find(|name| name.is_empty() || !name.starts_with(&self.prefix)) {
            return Err(NoPage::outside(name));
        }
        match next {
            Some("") => Err(NoPage::NoToken),
            Some(next) if next == self.token => Err(NoPage::SameToken),
            None | Some(_) => Ok(()),
        }
    }
}

/// Whether the answer is to what was asked: a gateway that passes on only a part of the question gets another listing,
/// in which needed files are missing.
pub(super) fn is_the_one(what: &'static str, asked: &str, answered: &str) -> Result<(), NoPage> {
    if answered == asked {
        return Ok(());
    }
    Err(NoPage::OfSomethingElse {
        what,
        asked: asked.to_owned(),
        answered: beginning(answered),
    })
}
