//! The worker's side of the handshake.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::limits::{HANDSHAKE_WITHIN, LONGEST_DETAIL, LONGEST_HEADERS};
use crate::trust::NAME;
use crate::upgrade;

/// Why a worker was not let in.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("the operator does not answer in {} s", HANDSHAKE_WITHIN.as_secs())]
    Silent,
    #[error("cannot connect to the operator: {0}")]
    Connection(String),
    #[error("the token cannot be sent: it is no line of text")]
    NoToken,
    /// It makes no sense to try again with the same token.
    #[error("the operator refuses this worker: {status} {why}")]
    Refused { status: u16, why: String },
    #[error("the operator is of another version than this worker; it makes a new one")]
    OtherVersion,
    #[error("the operator cannot tell who this worker is: {why}")]
    Later { why: String },
}

impl DialError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Silent | Self::Connection(_) | Self::Later { .. } => true,
            Self::NoToken | Self::Refused { .. } | Self::OtherVersion => false,
        }
    }
}

/// Shows the token to the operator at the other end of `stream`, if that has the certificate that is trusted. What comes
/// back is to be [served](crate::Worker::serve). A stream of TCP is to be without delay: calls are small, and each waits for
/// its answer.
///
/// # Errors
/// It is not the operator, or does not let us in.
pub async fn dial<S>(
    stream: S,
    trusted: Arc<ClientConfig>,
    token: &str,
) -> Result<Upgraded, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let dialling = async {
        let name = ServerName::try_from(NAME).map_err(|error| connection(&error))?;
        let tls = TlsConnector::from(trusted).connect(name, stream).await;
        let stream = tls.map_err(|error| connection(&error))?;
        let (mut sender, driver) = http1::Builder::new()
            .max_buf_size(LONGEST_HEADERS as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| connection(&error))?;
        // It ends with the handshake: what was upgraded is ours from then on.
        let driver = tokio::spawn(driver.with_upgrades());
        let mut request = Request::get(upgrade::PATH)
            .header(http::header::HOST, NAME)
            .body(Empty::<Bytes>::new())
            .map_err(|error| connection(&error))?;
        let headers = upgrade::asking(token).ok_or(DialError::NoToken)?;
        request.headers_mut().extend(headers);
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| connection(&error))?;
        let status = response.status();
        if status == StatusCode::SWITCHING_PROTOCOLS && upgrade::is_understood(response.headers()) {
            let upgraded = hyper::upgrade::on(response).await;
            return upgraded.map_err(|error| connection(&error));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            return Err(DialError::OtherVersion);
        }
        let why = Limited::new(response.into_body(), LONGEST_DETAIL)
            .collect()
            .await;
        let why = why.map(|why| String::from_utf8_lossy(&why.to_bytes()).trim().to_owned());
        let why = why.unwrap_or_default();
        driver.abort();
        Err(match status {
            StatusCode::SERVICE_UNAVAILABLE => DialError::Later { why },
            _ => DialError::Refused {
                status: status.as_u16(),
                why,
            },
        })
    };
    let dialled = timeout(HANDSHAKE_WITHIN, dialling).await;
    dialled.map_err(|_| DialError::Silent)?
}

fn connection(error: &impl ToString) -> DialError {
    DialError::Connection(error.to_string())
}
