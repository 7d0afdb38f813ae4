//! The operator's endpoint, for one connection: TLS, who it is, and then a [`Connection`].

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::error::WireError;
use crate::limits::{HANDSHAKE_WITHIN, LONGEST_HEADERS};
use crate::trust::OperatorCertificate;
use crate::upgrade;

/// Why a caller is no worker of ours. It is told no more than it has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody knows the token. 401.
    Unauthenticated,
    /// Somebody is known by the token, but not awaited. 403.
    NotAwaited,
    /// We cannot tell now. 503; the worker tries again.
    Later,
}

/// A worker that was let in.
#[derive(Debug)]
pub struct Accepted<A> {
    /// What `admit` said of it.
    pub admission: A,
    /// To be opened as a [`Connection`](crate::Connection).
    pub io: Upgraded,
}

/// Serves one caller until it is a worker, or gone. `admit` judges its token, and is asked at most once.
///
/// # Errors
/// It was not let in, or left before.
pub async fn accept<S, A, F>(
    stream: S,
    certificate: &OperatorCertificate,
    admit: impl FnOnce(String) -> F + Send + 'static,
) -> Result<Accepted<A>, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Refused>> + Send + 'static,
{
    let accepting = async {
        let tls = TlsAcceptor::from(Arc::clone(&certificate.config));
        let stream = tls.accept(stream).await.map_err(|error| cut(&error))?;
        let visit = Arc::new(Visit {
            admit: Mutex::new(Some(admit)),
            admitted: Mutex::new(None),
        });
        let seen = Arc::clone(&visit);
        let service = service_fn(move |request| {
            let visit = Arc::clone(&seen);
            async move { Ok::<_, Infallible>(visit.answer(request).await) }
        });
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_WITHIN)
            .max_buf_size(LONGEST_HEADERS as usize)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await
            .map_err(|error| cut(&error))?;
        let admitted = taken(&visit.admitted);
        let (admission, io) =
            admitted.ok_or_else(|| WireError::Refused("the caller was not let in".to_owned()))?;
        let io = io.await.map_err(|error| cut(&error))?;
        Ok(Accepted { admission, io })
    };
    // One that is slow holds up nobody else, but not for ever either.
    timeout(HANDSHAKE_WITHIN, accepting)
        .await
        .map_err(|_| WireError::Silent(HANDSHAKE_WITHIN))?
}

struct Visit<G, A> {
    admit: Mutex<Option<G>>,
    admitted: Mutex<Option<(A, OnUpgrade)>>,
}

impl<G, A> Visit<G, A> {
    async fn answer<F>(&self, request: Request<Incoming>) -> Response<Full<Bytes>>
    where
        G: FnOnce(String) -> F,
        F: Future<Output = Result<A, Refused>>,
    {
        if request.uri().path() != upgrade::PATH {
            return told(StatusCode::NOT_FOUND, "workers ask for /worker\n");
        }
        if !upgrade::is_understood(request.headers()) {
            let mut response = told(
                StatusCode::UPGRADE_REQUIRED,
                "this operator is of another version than the worker\n",
            );
            response.headers_mut().extend(upgrade::accepting());
            return response;
        }
        let token = upgrade::token(request.headers()).map(str::to_owned);
        let (Some(token), Some(admit)) = (token, taken(&self.admit)) else {
            return told(StatusCode::UNAUTHORIZED, "a worker shows a bearer token\n");
        };
        match admit(token).await {
            Err(Refused::Unauthenticated) => {
                told(StatusCode::UNAUTHORIZED, "the token is not accepted\n")
            }
            Err(Refused::NotAwaited) => told(StatusCode::FORBIDDEN, "no run waits for this pod\n"),
            Err(Refused::Later) => told(
                StatusCode::SERVICE_UNAVAILABLE,
                "the operator cannot tell now; try again\n",
            ),
            Ok(admission) => {
                let mut response = told(StatusCode::SWITCHING_PROTOCOLS, "");
                response.headers_mut().extend(upgrade::accepting());
                let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
                *admitted = Some((admission, hyper::upgrade::on(request)));
                response
            }
        }
    }
}

fn taken<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn told(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

fn cut(error: &impl ToString) -> WireError {
    WireError::Cut(error.to_string())
}
