use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::header::LOCATION;
use http::{Request, Response, StatusCode};
use opendal::raw::Operation;
use opendal::raw::oio::ReadStream;
use opendal::{
    Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter, OperationContext, Result,
};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::redirect::Policy;
use tokio::runtime::{self, Handle};

use super::address::Home;
use super::circle::Circle;
use super::page::NoPage;
use super::protocol::Protocol;
use super::refusal;

/// A page has a thousand names of at most a kilobyte each.
const LONGEST_PAGE: usize = 16 << 20;
/// Where AWS says that a bucket is.
const REGION: &str = "x-amz-bucket-region";

/// One for each runtime, that keeps its connections: they break off with the runtime that opened them, whoever else
/// waits for an answer.
static CLIENTS: LazyLock<Mutex<HashMap<runtime::Id, ReqwestTransport>>> =
    LazyLock::new(Mutex::default);

/// HTTP that follows nobody elsewhere, and passes on only such answers as a store gives.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    protocol: Protocol,
    bucket: Arc<str>,
    /// Where it may go at all.
    home: Option<Home>,
}

impl Transport {
    pub(super) fn new(protocol: Protocol, bucket: &str, home: Option<Home>) -> Self {
        Self {
            protocol,
            bucket: bucket.into(),
            home,
        }
    }

    /// For one listing: it must end.
    pub(super) fn context(&self) -> OperationContext {
        let checked = Checked {
            transport: self.clone(),
            pages: Mutex::new(Pages {
                last: String::new(),
                circle: Circle::new(),
            }),
        };
        OperationContext::new().with_http_transport(HttpTransporter::new(checked))
    }
}

struct Checked {
    transport: Transport,
    pages: Mutex<Pages>,
}

/// Where the pages that were asked for begin.
struct Pages {
    last: String,
    circle: Circle,
}

impl HttpTransport for Checked {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let Transport {
            protocol,
            bucket,
            home,
        } = &self.transport;
        if let Some(home) = home {
            home.check(request.uri())?;
        }
        // Without one it is somebody else who is asked, for credentials.
        let operation = request.extensions().get::<Operation>().copied();
        let query = request.uri().query().unwrap_or_default();
        let page = operation.and_then(|asked| protocol.page(asked, bucket, query));
        if let Some(page) = &page {
            self.goes_on(&page.token)?;
        }
        let method = request.method().clone();
        let response = of_this_runtime()?.fetch(request).await?;
        let status = response.status();
        let stays = status == StatusCode::NOT_MODIFIED || protocol.is_unfinished(&response);
        if status.is_redirection() && !stays {
            return Err(redirected(&response));
        }
        let Some(operation) = operation else {
            return Ok(response);
        };
        if status.is_success() && !protocol.looks_into(operation) {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = whole(body).await?;
        if protocol.is_forgotten(&method, status) {
            let text = format!("the store has forgotten an upload before it ended ({status})");
            return Err(Error::new(ErrorKind::Unexpected, text).set_temporary());
        }
        if !status.is_success() {
            refusal::check(*protocol, operation, &parts, &body)?;
            return Ok(Response::from_parts(parts, again(body)));
        }
        // The store may come to its senses: worth another try.
        let senseless =
            |why: NoPage| Error::new(ErrorKind::Unexpected, why.to_string()).set_temporary();
        if let Some(page) = page {
            protocol.check_page(&page, &body).map_err(senseless)?;
        }
        let dated = protocol.dated(operation, &body).map_err(senseless)?;
        let body = dated.map_or(body, Bytes::from);
        Ok(Response::from_parts(parts, again(body)))
    }
}

fn of_this_runtime() -> Result<ReqwestTransport> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    match clients.entry(Handle::current().id()) {
        Entry::Occupied(client) => Ok(client.get().clone()),
        Entry::Vacant(place) => {
            let client = reqwest::Client::builder().redirect(Policy::none());
            let client = client.build().map_err(|error| {
                let text = format!("this machine cannot speak HTTPS: {error}");
                Error::new(ErrorKind::Unexpected, text)
            })?;
            Ok(place.insert(ReqwestTransport::new(client)).clone())
        }
    }
}

impl Checked {
    fn goes_on(&self, token: &str) -> Result<()> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        // Another try at the same page.
        if token == pages.last {
            return Ok(());
        }
        token.clone_into(&mut pages.last);
        if pages.circle.is_closed_by(token) {
            let text = "the pages of a listing lead back to earlier ones, so it has no end";
            return Err(Error::new(ErrorKind::Unexpected, text));
        }
        Ok(())
    }
}

fn again(body: Bytes) -> HttpBody {
    let length = body.len() as u64;
    let body = stream::iter([Ok(Buffer::from(body))]);
    HttpBody::new(body, Some(length))
}

async fn whole(mut body: HttpBody) -> Result<Bytes> {
    let mut page = BytesMut::new();
    loop {
        let part = body.read().await?;
        if part.is_empty() {
            return Ok(page.freeze());
        }
        if page.len() + part.len() > LONGEST_PAGE {
            let text = format!("an answer of the store is longer than {LONGEST_PAGE} bytes");
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
