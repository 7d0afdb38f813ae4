use std::sync::Arc;
use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{Operator, services};
use tokio::sync::OnceCell;

use super::S3Access;
use super::of_this_process::LastSearch;
use crate::object::ObjectStorage;
use crate::object::transport::Transport;
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
        "{0:?} is no name of a bucket, which has letters, digits, dots, hyphens and underscores, and not dots alone"
    )]
    Bucket(String),
    #[error(
        "the endpoint is no address of a store; write http:// or https:// and a host, without a user, password or query"
    )]
    Endpoint,
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
        let search = LastSearch::default();
        let refused = |why| StorageError::Unsupported {
            operation: Operation::Open,
            path: url.clone(),
            cause: Arc::new(why),
        };
        let transport = Transport::new(bucket).map_err(|why| refused(NotAsked::Http(why)))?;
        let operator = operator(access, bucket, &search, &transport).map_err(refused)?;
        Ok(Self {
            operator,
            transport,
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
            search,
        })
    }
}

fn operator(
    access: &S3Access,
    bucket: &str,
    search: &LastSearch,
    transport: &Transport,
) -> Result<Operator, NotAsked> {
    let S3Access {
        endpoint,
        region,
        virtual_host_style,
        credentials,
    } = access;
    let region = region.as_deref().unwrap_or(DEFAULT_REGION);
    let is_host_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    // Dots alone would climb out of the path.
    let is_name = bucket.chars().all(|c| is_host_part(c) || "._".contains(c));
    if !is_name || bucket.chars().all(|c| c == '.') {
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
        .credential_provider_chain(credentials.chain(search.clone()));
    if let Some(endpoint) = endpoint {
        check_address(endpoint)?;
        if endpoint.contains(&format!("//{bucket}.")) {
            return Err(NotAsked::HostOfBucket(endpoint.clone()));
        }
        builder = builder.endpoint(endpoint);
    }
    if *virtual_host_style {
        builder = builder.enable_virtual_host_style();
    }
    let operator = Operator::new(builder).map_err(NotAsked::Client)?;
    Ok(operator
        .with_context(transport.context())
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

/// What looks like a host may be a password, so it is not repeated.
fn check_address(endpoint: &str) -> Result<(), NotAsked> {
    let url = reqwest::Url::parse(endpoint).map_err(|_| NotAsked::Endpoint)?;
    let is_address = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && !endpoint.contains(['@', '?', '#', '\\'])
        && !endpoint.contains(char::is_whitespace);
    if is_address {
        Ok(())
    } else {
        Err(NotAsked::Endpoint)
    }
}
