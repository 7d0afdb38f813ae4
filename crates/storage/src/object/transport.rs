use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::header::LOCATION;
use http::{Request, Response, StatusCode};
use opendal::raw::oio::ReadStream;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter, Result};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::redirect::Policy;

use super::s3::page;

/// A page has a thousand names of at most a kilobyte each.
const LONGEST_PAGE: usize = 16 << 20;
/// Where AWS says that a bucket is.
const REGION: &str = "x-amz-bucket-region";

/// One for the process: it keeps its connections.
static CLIENT: LazyLock<std::result::Result<ReqwestTransport, reqwest::Error>> =
    LazyLock::new(|| {
        let client = reqwest::Client::builder().redirect(Policy::none());
        client.build().map(ReqwestTransport::new)
    });

/// HTTP that follows nobody elsewhere, and passes on only such listings as are some.
pub(super) fn transport() -> std::result::Result<HttpTransporter, &'static reqwest::Error> {
    let client = CLIENT.as_ref()?;
    Ok(HttpTransporter::new(Checked(client.clone())))
}

struct Checked(ReqwestTransport);

impl HttpTransport for Checked {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let response = self.0.fetch(request).await?;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(redirected(&response));
        }
        let is_listing = query.split('&').any(|pair| pair == "list-type=2");
        if status != StatusCode::OK || !is_listing {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let page = whole(body).await?;
        // The store may come to its senses: worth another try.
        page::check(&query, &page)
            .map_err(|why| Error::new(ErrorKind::Unexpected, why.to_string()).set_temporary())?;
        let length = page.len() as u64;
        let body = stream::iter([Ok(Buffer::from(page))]);
        Ok(Response::from_parts(
            parts,
            HttpBody::new(body, Some(length)),
        ))
    }
}

async fn whole(mut body: HttpBody) -> Result<Bytes> {
    let mut page = BytesMut::new();
    loop {
        let part = body.read().await?;
        if part.is_empty() {
            return Ok(page.freeze());
        }
        if page.len() + part.len() > LONGEST_PAGE {
            let text = format!("a page of a listing is longer than {LONGEST_PAGE} bytes");
            return Err(Error::new(ErrorKind::Unexpected, text));
        }
        page.extend_from_slice(&part.to_bytes());
    }
}

fn redirected(response: &Response<HttpBody>) -> Error {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let elsewhere = header(LOCATION.as_str())
        .and_then(|location| reqwest::Url::parse(location).ok())
        // Without names, passwords and queries.
        .map(|url| url.origin().ascii_serialization());
    let advice = match (header(REGION), elsewhere) {
        (Some(region), _) => format!("the bucket is in the region {region}; set that one"),
        (None, Some(elsewhere)) => {
            format!("it redirects to {elsewhere}; set the endpoint and the region of the bucket")
        }
        (None, None) => "set the endpoint and the region of the bucket".to_owned(),
    };
    let text = format!(
        "the store answered {}, which is not followed: {advice}",
        response.status()
    );
    Error::new(ErrorKind::Unexpected, text)
}
