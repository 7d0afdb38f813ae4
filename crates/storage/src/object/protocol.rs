use std::ops::Range;

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use opendal::raw::Operation;
use opendal::{Buffer, Metadata, Operator};

use super::page::{Asked, NoPage};
use super::{azure, clocks, gcs, s3};
use crate::port::Version;

/// What the stores' protocols differ in where the client does not hide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    S3,
    /// The JSON API of Google Cloud Storage.
    Gcs,
    /// The blob endpoint of Azure Storage, also of accounts with a hierarchical namespace (ADLS Gen2).
    Azure,
}

impl Protocol {
    /// By what the store tells the contents of one name apart: an etag, or a generation, of which a later object of the
    /// same name never has the same.
    pub(super) fn mark(self, metadata: &Metadata) -> Option<String> {
        let mark = match self {
            Self::S3 | Self::Azure => metadata.etag().map(|etag| etag.trim_matches('"')),
            Self::Gcs => metadata.version(),
        };
        // One that says nothing can be compared with nothing.
        let mark = mark.filter(|mark| !mark.is_empty());
        mark.map(str::to_owned)
    }

    /// A mark that no object has.
    pub(super) fn mark_of_nothing(self) -> &'static str {
        match self {
            Self::S3 => "00000000000000000000000000000000",
            // Generations are microseconds since 1970; zero stands for no object at all.
            Self::Gcs => "1",
            Self::Azure => "0x0",
        }
    }

    /// How the store is told to write only where nothing is yet.
    pub(super) fn condition_of_absence(self) -> &'static str {
        match self {
            Self::S3 | Self::Azure => "If-None-Match: *",
            Self::Gcs => "ifGenerationMatch=0",
        }
    }

    /// A part of the contents, of that version only.
    pub(super) async fn read_if(
        self,
        operator: &Operator,
        name: &str,
        range: Range<u64>,
        mark: Option<&str>,
    ) -> Result<Buffer, opendal::Error> {
        let read = operator.read_with(name).range(range);
        match (self, mark) {
            (_, None) => read.await,
            (Self::S3 | Self::Azure, Some(mark)) => read.if_match(&format!("\"{mark}\"")).await,
            (Self::Gcs, Some(mark)) => read.if_version_match(mark).await,
        }
    }

    /// One object, if it is that version. What the store answers if not is an error.
    pub(super) async fn delete_if(
        self,
        operator: &Operator,
        name: &str,
        mark: &str,
    ) -> Result<(), opendal::Error> {
        let delete = operator.delete_with(name);
        match self {
            Self::S3 | Self::Azure => delete.if_match(&format!("\"{mark}\"")).await,
            Self::Gcs => delete.if_version_match(mark).await,
        }
    }

    /// How many names a page of a listing has at most; None is what the store does by itself.
    pub(super) fn names_in_a_page(self) -> Option<usize> {
        match self {
            Self::S3 | Self::Azure => None,
            Self::Gcs => Some(1000),
        }
    }

    /// Whether this says that an upload has not ended yet, in what would elsewhere be a redirect.
    pub(super) fn is_unfinished<T>(self, response: &http::Response<T>) -> bool {
        match self {
            Self::S3 | Self::Azure => false,
            Self::Gcs => {
                response.status() == StatusCode::PERMANENT_REDIRECT
                    && !response.headers().contains_key(LOCATION)
            }
        }
    }

    /// Whether this says that an upload which was begun is not known any more: it has ended, or was lost.
    pub(super) fn is_forgotten(self, asked: &Method, status: StatusCode) -> bool {
        match self {
            Self::S3 | Self::Azure => false,
            Self::Gcs => {
                *asked == Method::PUT && matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
            }
        }
    }

    /// The page that is asked for, if this query asks for one.
    pub(super) fn page<'bucket>(
        self,
        asked: Operation,
        bucket: &'bucket str,
        query: &str,
    ) -> Option<Asked<'bucket>> {
        let token = match self {
            Self::S3 => "continuation-token",
            Self::Gcs => "pageToken",
            Self::Azure => "marker",
        };
        (asked == Operation::List).then(|| Asked::of(bucket, query, token))
    }

    /// Whether the body of an answer is the page that was asked for.
    pub(super) fn check_page(self, asked: &Asked<'_>, body: &[u8]) -> Result<(), NoPage> {
        match self {
            Self::S3 => s3::page::check(asked, body),
            Self::Gcs => gcs::page::check(asked, body),
            Self::Azure => azure::page::check(asked, body),
        }
    }

    /// The body of a good answer that is [looked into](Self::looks_into), where the client would take the wrong time out of it.
    pub(super) fn dated(self, asked: Operation, body: &[u8]) -> Result<Option<Vec<u8>>, NoPage> {
        match self {
            // Azure's moves with changes of properties and metadata, too, but not with the tier.
            Self::S3 | Self::Azure => Ok(None),
            Self::Gcs => gcs::dated::by_contents(asked, body).map(Some),
        }
    }

    /// Whether the time beside contents is that of the contents.
    pub(super) fn dates_contents(self) -> bool {
        match self {
            Self::S3 | Self::Azure => true,
            Self::Gcs => false,
        }
    }

    /// Whether a good answer to this is looked into before the client does.
    pub(super) fn looks_into(self, asked: Operation) -> bool {
        match self {
            Self::S3 | Self::Azure => asked == Operation::List,
            Self::Gcs => matches!(asked, Operation::List | Operation::Stat),
        }
    }

    /// Whether the store, where it answers this with 404, does so in its own words.
    pub(super) fn names_what_is_missing(self, asked: Operation) -> bool {
        match self {
            // HEAD has no body.
            Self::S3 | Self::Azure => asked != Operation::Stat,
            // Where contents are asked for there is just a line of text.
            Self::Gcs => asked != Operation::Read,
        }
    }

    /// Whether the body of a 404 is in the words of the store.
    pub(super) fn says_that_it_is_missing(self, body: &[u8]) -> bool {
        match self {
            Self::S3 => s3::refusal::says_that_it_is_missing(body),
            Self::Gcs => gcs::refusal::says_that_it_is_missing(body),
            Self::Azure => azure::refusal::says_that_it_is_missing(body),
        }
    }

    /// Fails where something else than a missing permission can be why the store forbade something.
    pub(super) fn is_for_want_of_permission(
        self,
        answer: &HeaderMap,
        body: &[u8],
    ) -> opendal::Result<()> {
        match self {
            Self::S3 | Self::Azure => clocks::agree(answer),
            Self::Gcs => gcs::refusal::is_for_want_of_permission(body),
        }
    }

    /// What stands against a change, where the status alone (409, 412) would pass for a condition that does not hold.
    pub(super) fn objection(self, body: &[u8]) -> Option<&'static str> {
        match self {
            Self::S3 | Self::Gcs => None,
            Self::Azure => azure::refusal::objection(body),
        }
    }

    /// Whether an object stands for a directory of its very name.
    pub(super) fn is_a_directory(self, metadata: &Metadata) -> bool {
        match self {
            Self::S3 | Self::Gcs => false,
            Self::Azure => azure::directory::is_one(metadata),
        }
    }

    /// Whether what is listed as an object can be such a one; listings do not tell.
    pub(super) fn may_be_a_directory(self, version: &Version) -> bool {
        match self {
            Self::S3 | Self::Gcs => false,
            Self::Azure => version.size == 0,
        }
    }
}
