//! An HTTP server on loopback that gives prepared answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    pub(super) fn ok(body: String) -> Self {
        Self::status(200, body)
    }

    pub(super) fn status(status: u16, body: String) -> Self {
        Self { status, body }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Connections {
    opened: usize,
    closed: usize,
}

/// Stops when dropped. Anything without a prepared answer is 404.
#[derive(Debug)]
pub(super) struct FakeServer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    authorized: Arc<Mutex<Vec<String>>>,
    connections: watch::Receiver<Connections>,
    task: JoinHandle<()>,
}

impl FakeServer {
    /// Answers by path, or by path and query where one is given.
    pub(super) async fn start(answers: Vec<(String, Answer)>) -> Self {
        Self::start_with(answers, None).await
    }

    /// The same over TLS.
    pub(super) async fn start_tls(answers: Vec<(String, Answer)>, tls: ServerConfig) -> Self {
        Self::start_with(answers, Some(TlsAcceptor::from(Arc::new(tls)))).await
    }

    async fn start_with(answers: Vec<(String, Answer)>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let authorized = Arc::new(Mutex::new(Vec::new()));
        let (count, connections) = watch::channel(Connections::default());
        let count = Arc::new(count);
        let shared = Arc::new((answers, Arc::clone(&asked), Arc::clone(&authorized)));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                let tls = tls.clone();
                let count = Arc::clone(&count);
                count.send_modify(|count| count.opened += 1);
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let header = request.headers().get("authorization");
                        let header = header.map(|value| value.to_str().unwrap().to_owned());
                        shared.2.lock().unwrap().extend(header);
                        let answer = answer(&shared.0, &shared.1, &request);
                        async move { Ok::<_, Infallible>(answer) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that hangs up is none of our business.
                    match tls {
                        None => {
                            let _ = http.serve_connection(TokioIo::new(stream), service).await;
                        }
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let stream = TokioIo::new(stream);
                                let _ = http.serve_connection(stream, service).await;
                            }
                        }
                    }
                    count.send_modify(|count| count.closed += 1);
                });
            }
        });
        Self {
            url,
            asked,
            authorized,
            connections,
            task,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until every connection has ended; gives how many there were.
    pub(super) async fn connections(&self) -> usize {
        let mut connections = self.connections.clone();
        let ended = connections.wait_for(|count| count.opened == count.closed);
        ended.await.unwrap().opened
    }

    /// Every `Authorization` header, in order.
    pub(super) fn authorized(&self) -> Vec<String> {
        self.authorized.lock().unwrap().clone()
    }

    /// Every path and query, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(
    answers: &[(String, Answer)],
    asked: &Mutex<Vec<String>>,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let whole = request.uri().to_string();
    asked.lock().unwrap().push(whole.clone());
    let find = |key: &str| answers.iter().find(|(path, _)| path == key);
    let found = find(&whole).or_else(|| find(request.uri().path()));
    let (status, body) = found.map_or((404, "404 page not found".to_owned()), |(_, answer)| {
        (answer.status, answer.body.clone())
    });
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .unwrap()
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
