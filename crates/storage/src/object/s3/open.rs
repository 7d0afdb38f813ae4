use std::sync::Arc;

use opendal::services;
use tokio::sync::OnceCell;

use super::S3Access;
use crate::object::account::Access;
use crate::object::address::is_of_a_server;
use crate::object::client::Client;
use crate::object::protocol::Protocol;
use crate::object::search::LastSearch;
use crate::object::transport::Transport;
use crate::object::{ObjectStorage, directory_prefix};
use crate::port::{Key, Operation, StorageError};

const DEFAULT_REGION: &str = "us-east-1";

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
}

impl Access for S3Access {
    fn open(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Option<Key>,
    ) -> Result<ObjectStorage, StorageError> {
        let url = format!("s3://{bucket}");
        let search = LastSearch::default();
        let refused = |why| StorageError::Unsupported {
            operation: Operation::Open,
            path: url.clone(),
            cause: Arc::new(why),
        };
        let protocol = Protocol::S3;
        let transport = Transport::new(protocol, bucket, None);
        let Client { patient, once } =
            client(self, bucket, &search, &transport).map_err(refused)?;
        Ok(ObjectStorage {
            operator: patient,
            once,
            transport,
            protocol,
            prefix: directory_prefix(prefix),
            bucket: url,
            own,
            conditions: Arc::new(OnceCell::new()),
            service: self.endpoint.clone().unwrap_or_else(|| {
                let region = self.region.as_deref().unwrap_or(DEFAULT_REGION);
                format!("AWS in {region}")
            }),
            secrets: self.credentials.secrets().into(),
            search,
        })
    }
}

fn client(
    access: &S3Access,
    bucket: &str,
    search: &LastSearch,
    transport: &Transport,
) -> Result<Client, NotAsked> {
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
        // What looks like a host may be a password, so it is not repeated.
        if !is_of_a_server(endpoint) {
            return Err(NotAsked::Endpoint);
        }
        if endpoint.contains(&format!("//{bucket}.")) {
            return Err(NotAsked::HostOfBucket(endpoint.clone()));
        }
        builder = builder.endpoint(endpoint);
    }
    if *virtual_host_style {
        builder = builder.enable_virtual_host_style();
    }
    Client::new(builder, transport).map_err(NotAsked::Client)
}
