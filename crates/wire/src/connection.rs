//! The operator's side of a connection: asks, one gRPC stream per call.

mod channel;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::Uri;
use http::uri::PathAndQuery;
use hyper::client::conn::http2;
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tonic::client::Grpc;
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::convert::printable;
use crate::error::WireError;
use crate::fence::Term;
use crate::limits::{
    CONNECTION_WINDOW, LONGEST_DETAIL, LONGEST_HEADERS, LONGEST_MESSAGE, PART,
    PING_ANSWERED_WITHIN, PING_EVERY, ROOTS, SEND_BUFFER, STREAM_WINDOW,
};
use crate::message::{self, Answer, Asked, Told};
use crate::remote::RemoteStorage;
use channel::Channel;

/// HTTP/2 asks for a name. There is but one other side.
const ORIGIN: &str = "http://worker";
const METHOD: &str = "/flink_retention.worker.Storage/Call";
/// How long the worker may say nothing while it is asked something. A directory of a slow volume takes seconds.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How long a change may be on its way. The worker refuses it afterwards.
const CHANGE_WITHIN: Duration = Duration::from_secs(10);
/// How many bytes of a file that is written may take a second more.
const SLOWEST: u64 = 1024 * 1024;

/// A worker that can be asked. When the last clone is dropped the connection ends.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    channel: Channel,
    term: Option<Term>,
    /// What the worker's clock had said by then, so that it says at least as much more later.
    clock: (u64, Instant),
    roots: Vec<message::Root>,
    driver: Driver,
}

/// What moves the bytes.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Asks who is there. From then on nobody of an earlier `term` has a say there; without a term it only reads.
    ///
    /// # Errors
    /// The other side is no worker, refuses us, or the connection was cut.
    pub async fn open<I>(io: I, term: Option<Term>) -> Result<Self, WireError>
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(LONGEST_HEADERS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWERED_WITHIN)
            .keep_alive_while_idle(true);
        let (sender, connection) = builder.handshake(io).await.map_err(|error| cut(&error))?;
        let driver = Driver(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to a worker was cut");
            }
        }));
        let channel = Channel(sender);
        let introduce = message::Introduce {
            term: term.clone().map(Into::into),
        };
        let mut answers = ask(&channel, Asked::Introduce(introduce), Bytes::new()).await?;
        let message::Introduction {
            clock_millis,
            roots,
        } = match answers.next().await? {
            Told::Introduction(introduction) => introduction,
            Told::Failure(failure) => return Err(WireError::Refused(printable(&failure.detail))),
            _ => return Err(WireError::Malformed("no introduction")),
        };
        let is_bounded =
            |root: &message::Root| root.name.len().max(root.location.len()) <= LONGEST_DETAIL;
        if roots.len() > ROOTS || !roots.iter().all(is_bounded) {
            return Err(WireError::Malformed("too many roots, or too long names"));
        }
        Ok(Self(Arc::new(Inner {
            channel,
            term,
            clock: (clock_millis, Instant::now()),
            roots,
            driver,
        })))
    }

    /// The worker's store of this name.
    #[must_use]
    pub fn root(&self, name: &str) -> Option<RemoteStorage> {
        let position = self.0.roots.iter().position(|root| root.name == name)?;
        let number = u32::try_from(position).ok()?;
        let root = self.0.roots.get(position)?;
        Some(RemoteStorage::new(self.clone(), number, root))
    }

    /// Ends it for all of its clones. What is asked then, or waits for an answer, fails.
    pub fn end(&self) {
        self.0.driver.0.abort();
    }

    pub(crate) async fn ask(&self, asked: Asked, contents: Bytes) -> Result<Answers, WireError> {
        ask(&self.0.channel, asked, contents).await
    }

    /// By whose right something is changed that is asked for now, with so many bytes to be written. It runs out by the
    /// worker's clock: wherever the call waits on its way, it has no effect later.
    pub(crate) fn permit(&self, bytes: u64) -> Result<message::Permit, WireError> {
        let term = self.0.term.clone().ok_or(WireError::NoTerm)?;
        let (clock_millis, then) = self.0.clock;
        let since = then.elapsed() + CHANGE_WITHIN + Duration::from_secs(bytes / SLOWEST);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Ok(message::Permit {
            term: Some(term.into()),
            not_after_millis: clock_millis.saturating_add(since),
        })
    }
}

/// Sends the question, and after it the contents in parts.
async fn ask(channel: &Channel, asked: Asked, mut contents: Bytes) -> Result<Answers, WireError> {
    let parts = std::iter::from_fn(move || {
        (!contents.is_empty()).then(|| contents.split_to(contents.len().min(PART)))
    });
    let parts = parts.map(|bytes| Asked::Part(message::Part { bytes }));
    let requests = std::iter::once(asked).chain(parts);
    let requests = requests.map(|asked| message::Request { asked: Some(asked) });
    let mut grpc = Grpc::with_origin(channel.clone(), Uri::from_static(ORIGIN))
        .max_decoding_message_size(LONGEST_MESSAGE)
        .max_encoding_message_size(LONGEST_MESSAGE);
    let asking = async {
        grpc.ready().await.map_err(|error| cut(&error))?;
        let codec = ProstCodec::<message::Request, Answer>::default();
        let path = PathAndQuery::from_static(METHOD);
        let request = Request::new(stream::iter(requests));
        let response = grpc.streaming(request, path, codec).await;
        response.map_err(|status| broken(&status))
    };
    let response = timeout(ANSWER_WITHIN, asking).await;
    let response = response.map_err(|_| WireError::Silent(ANSWER_WITHIN))??;
    Ok(Answers(response.into_inner()))
}

/// The answers to one call. Dropped, it is called off.
#[derive(Debug)]
pub(crate) struct Answers(Streaming<Answer>);

impl Answers {
    /// The next one. None too few: where the connection ends, that is an error.
    pub(crate) async fn next(&mut self) -> Result<Told, WireError> {
        let answer = timeout(ANSWER_WITHIN, self.0.message()).await;
        let answer = answer.map_err(|_| WireError::Silent(ANSWER_WITHIN))?;
        // The end of the stream is not asked for its status: an answer says itself when it is complete.
        let answer = answer.map_err(|status| broken(&status))?;
        let answer = answer.ok_or(WireError::Short)?;
        answer
            .told
            .ok_or(WireError::Malformed("an answer without contents"))
    }
}

fn cut(error: &dyn std::error::Error) -> WireError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    WireError::Cut(text)
}

fn broken(status: &Status) -> WireError {
    let text = printable(status.message());
    WireError::Cut(if text.is_empty() {
        status.code().description().to_owned()
    } else {
        text
    })
}
