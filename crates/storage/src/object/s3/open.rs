use std::sync::Arc;
use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{OperationContext, Operator, services};
use tokio::sync::OnceCell;

use super::{S3Access, WhyNone};
use crate::object::{ObjectStorage, transport};
use crate::port::{Key, Operation, StorageError};

const DEFAULT_REGION: &str = "us-east-1";
/// Longer than a slow page of a listing takes; a request that hangs is worth another try.
const TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS_AFTER_THE_FIRST: usize = 5;
/// Doubled each time: nine seconds in all, so that a server may restart and a wrong address is told soon.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why a bucket cannot be asked for under this name and in this way. Names come from resources of tenants, and the
/// client makes URLs of them.
#[derive(Debug, thiserror::Error)]
enum NotAsked {
    #[error(
        "{0:?} is no name of a bucket, which has letters, digits, dots, hyphens and underscores only"
    )]
    Bucket(String),
    #[error("{0:?} is no region, which has letters, digits and hyphens only")]
    Region(String),
    /// The client would cut the name off the host, and ask another one.
    #[error("the host of the endpoint {0} begins with the name of the bucket; use its other name")]
    HostOfBucket(String),
    #[error("the name of a bucket with dots cannot be part of a host name; use the path style")]
    Dots,
    #[error("{0}")]
    Client(opendal::Error),
    #[error("this machine cannot speak HTTPS: {0}")]
    Http(&'static reqwest::Error),
}

impl ObjectStorage {
    /// A directory of a bucket of S3, or of a store that speaks like it. Asks nothing of the store yet. Without a
    /// directory of our `own` nothing can be written or deleted.
    pub(in crate::object) fn s3(
        access: &S3Access,
        bucket: &str,
        prefix: &Key,
        own: Option<Key>,
    ) -> Result<Self, StorageError> {
        let url = format!("s3://{bucket}");
        let why_none = WhyNone::default();
        let operator =
            operator(access, bucket, &why_none).map_err(|why| StorageError::Unsupported {
                operation: Operation::Open,
                path: url.clone(),
                cause: Arc::new(why),
            })?;
        Ok(Self {
            operator,
            prefix: if prefix.is_root() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            bucket: url,
            own,
            conditions: Arc::new(OnceCell::new()),
            service: access.endpoint.clone().unwrap_or_else(|| {
                let region = access.region.as_deref().unwrap_or(DEFAULT_REGION);
                format!("AWS in {region}")
            }),
            secrets: access.credentials.secrets().into(),
            why_no_credentials: why_none,
        })
    }
}

fn operator(access: &S3Access, bucket: &str, why_none: &WhyNone) -> Result<Operator, NotAsked> {
    let S3Access {
        endpoint,
        region,
        virtual_host_style,
        credentials,
    } = access;
    let region = region.as_deref().unwrap_or(DEFAULT_REGION);
    let is_host_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if bucket.is_empty() || !bucket.chars().all(|c| is_host_part(c) || "._".contains(c)) {
        return Err(NotAsked::Bucket(bucket.to_owned()));
    }
    if region.is_empty() || !region.chars().all(is_host_part) {
        return Err(NotAsked::Region(region.to_owned()));
    }
    if *virtual_host_style && bucket.contains('.') {
        return Err(NotAsked::Dots);
    }
    let mut builder = services::S3::default()
        .bucket(bucket)
        .region(region)
        // Nothing from the environment: what is not said here is not so.
        .disable_config_load()
        .credential_provider_chain(credentials.chain(Arc::clone(why_none)));
    if let Some(endpoint) = endpoint {
        if endpoint.contains(&format!("//{bucket}.")) {
            return Err(NotAsked::HostOfBucket(endpoint.clone()));
        }
        builder = builder.endpoint(endpoint);
    }
    if *virtual_host_style {
        builder = builder.enable_virtual_host_style();
    }
    let http = transport::transport().map_err(NotAsked::Http)?;
    let operator = Operator::new(builder).map_err(NotAsked::Client)?;
    Ok(operator
        .with_context(OperationContext::new().with_http_transport(http))
        // Inside of the retries, so that each attempt has its own.
        .layer(
            TimeoutLayer::new()
                .with_timeout(TIMEOUT)
                .with_io_timeout(TIMEOUT),
        )
        .layer(
            RetryLayer::new()
                .with_max_times(ATTEMPTS_AFTER_THE_FIRST)
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_jitter(),
        ))
}
