//! The worker's side: answers calls from local stores.

mod calls;
mod tasks;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use storage::Storage;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic_prost::ProstCodec;

use crate::error::WireError;
use crate::fence::Fence;
use crate::limits::{
    CALLS_AT_ONCE, CONNECTION_WINDOW, LONGEST_HEADERS, LONGEST_MESSAGE, PING_ANSWERED_WITHIN,
    PING_EVERY, SEND_BUFFER, STREAM_WINDOW,
};
use crate::message;
use calls::Calls;
use tasks::Tasks;

/// A store of the worker, under the name that the operator gave it.
#[derive(Clone, Debug)]
pub struct Root {
    pub name: String,
    pub storage: Arc<dyn Storage>,
}

/// What answers an operator: stores, and what is refused. Connections come one after the other.
#[derive(Debug)]
pub struct Worker {
    roots: Vec<Root>,
    fence: Fence,
}

impl Worker {
    #[must_use]
    pub fn new(roots: Vec<Root>, fence: Fence) -> Arc<Self> {
        Arc::new(Self { roots, fence })
    }

    /// Answers until the connection ends, or this future is dropped. Nothing that was asked on it goes on afterwards, but for
    /// a single call of the operating system that has begun.
    ///
    /// # Errors
    /// The connection was cut, or the other side was silent.
    pub async fn serve<I>(self: &Arc<Self>, io: I) -> Result<(), WireError>
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let tasks = Tasks::default();
        let worker = Arc::clone(self);
        let service = service_fn(move |request: Request<Incoming>| {
            let worker = Arc::clone(&worker);
            async move { Ok::<_, Infallible>(answer(worker, request).await) }
        });
        let mut builder = http2::Builder::new(tasks.executor());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(CALLS_AT_ONCE)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(LONGEST_HEADERS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWERED_WITHIN);
        let served = builder.serve_connection(io, service).await;
        served.map_err(|error| WireError::Cut(error.to_string()))
    }
}

async fn answer(worker: Arc<Worker>, request: Request<Incoming>) -> Response<Body> {
    let codec = ProstCodec::<message::Answer, message::Request>::default();
    Grpc::new(codec)
        .max_decoding_message_size(LONGEST_MESSAGE)
        .max_encoding_message_size(LONGEST_MESSAGE)
        .streaming(Calls(worker), request)
        .await
}
