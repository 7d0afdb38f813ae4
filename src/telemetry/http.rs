//! `/metrics`, `/healthz` and `/readyz`. Bounded: few connections, small requests, short waits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Metrics;

const CONNECTIONS: usize = 64;
const LONGEST_CONNECTION: Duration = Duration::from_mins(1);
const LONGEST_HEADER_WAIT: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors, for example) the loop must not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the process is ready: set once its informers run, whether it leads or stands by.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens; the address that was really taken is that of the listener.
///
/// # Errors
/// The address is taken or not of this machine.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, metrics: Metrics, ready: Readiness) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for metrics and probes");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (metrics, ready) = (metrics.clone(), ready.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &metrics, &ready);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(LONGEST_HEADER_WAIT)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            // How a client ends its connection is its own affair.
            let _ = timeout(LONGEST_CONNECTION, connection).await;
            drop(place);
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    metrics: &Metrics,
    ready: &Readiness,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    match request.uri().path() {
        "/metrics" => match metrics.encode() {
            Ok(body) => {
                let mut response = Response::new(Full::new(Bytes::from(body)));
                response.headers_mut().insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
                );
                response
            }
            Err(error) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("cannot encode metrics: {error}\n"),
            ),
        },
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if ready.get() => text(StatusCode::OK, "ok\n"),
        "/readyz" => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the API server has not answered yet\n",
        ),
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /metrics, /healthz and /readyz\n",
        ),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::telemetry::JobLabels;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn get(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn probes_and_metrics_answer() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let ready = Readiness::default();
        let server = tokio::spawn(serve(
            listener,
            Metrics::new(JobLabels::Job).unwrap(),
            ready.clone(),
        ));
        assert!(
            get(address, "GET /healthz")
                .await
                .starts_with("HTTP/1.1 200")
        );
        assert!(
            get(address, "GET /readyz")
                .await
                .starts_with("HTTP/1.1 503")
        );
        ready.set(true);
        assert!(
            get(address, "GET /readyz")
                .await
                .starts_with("HTTP/1.1 200")
        );
        assert!(
            get(address, "GET /metrics")
                .await
                .contains("flink_retention_leader 0")
        );
        assert!(get(address, "GET /").await.starts_with("HTTP/1.1 404"));
        assert!(
            get(address, "POST /metrics")
                .await
                .starts_with("HTTP/1.1 405")
        );
        server.abort();
    }
}
