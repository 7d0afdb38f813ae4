use std::sync::Arc;

use opendal::services;
use tokio::sync::OnceCell;

use super::GcsAccess;
use crate::object::account::Access;
use crate::object::address::{Home, host, is_private};
use crate::object::client::Client;
use crate::object::protocol::Protocol;
use crate::object::search::LastSearch;
use crate::object::transport::Transport;
use crate::object::{ObjectStorage, directory_prefix};
use crate::port::{Key, Operation, StorageError};

const GOOGLE: &str = "https://storage.googleapis.com";
/// Where the key of a service account is exchanged for a token, and nothing else is asked.
const TOKENS: &str = "https://oauth2.googleapis.com";

/// Why a bucket cannot be asked for. Names come from resources of tenants, and the client makes URLs of them.
#[derive(Debug, thiserror::Error)]
enum NotAsked {
    #[error(
        "{0:?} is no name of a bucket, which has lower-case letters, digits, hyphens, underscores and single dots only, and begins and ends with a letter or digit"
    )]
    Bucket(String),
    #[error(
        "the endpoint is no address of a store; write http:// or https:// and a host, such as {GOOGLE}, without a path, user, password or query"
    )]
    Endpoint,
    #[error(
        "the endpoint is reached without encryption, and whoever listens would have the token; write https:// (http:// is for this machine only)"
    )]
    InClear,
    #[error("{0}")]
    Client(opendal::Error),
}

impl Access for GcsAccess {
    fn open(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Option<Key>,
    ) -> Result<ObjectStorage, StorageError> {
        let url = format!("gs://{bucket}");
        let search = LastSearch::default();
        let refused = |why| StorageError::Unsupported {
            operation: Operation::Open,
            path: url.clone(),
            cause: Arc::new(why),
        };
        let transport = transport(self, bucket).map_err(refused)?;
        let Client { patient, once } =
            client(self, bucket, &search, &transport).map_err(refused)?;
        Ok(ObjectStorage {
            operator: patient,
            once,
            transport,
            protocol: Protocol::Gcs,
            prefix: directory_prefix(prefix),
            bucket: url,
            own,
            conditions: Arc::new(OnceCell::new()),
            service: match &self.endpoint {
                Some(endpoint) => endpoint.clone(),
                None => "Google Cloud Storage".to_owned(),
            },
            secrets: self.credentials.secrets().into(),
            search,
        })
    }
}

fn transport(access: &GcsAccess, bucket: &str) -> Result<Transport, NotAsked> {
    if !is_name_of_bucket(bucket) {
        return Err(NotAsked::Bucket(bucket.to_owned()));
    }
    // What looks like a host may be a password, so it is not repeated.
    let mut places = vec![endpoint(access), TOKENS];
    if is_of_google(endpoint(access)) {
        // An endpoint of a region may begin uploads there.
        places.push(GOOGLE);
    }
    let home = Home::of(&places).ok_or(NotAsked::Endpoint)?;
    if !is_private(endpoint(access)) {
        return Err(NotAsked::InClear);
    }
    Ok(Transport::new(Protocol::Gcs, bucket, Some(home)))
}

fn client(
    access: &GcsAccess,
    bucket: &str,
    search: &LastSearch,
    transport: &Transport,
) -> Result<Client, NotAsked> {
    let builder = services::Gcs::default()
        .bucket(bucket)
        .endpoint(endpoint(access))
        .credential_provider_chain(access.credentials.chain(search.clone()))
        // Behind that chain the client goes on: to the environment, to files of this machine, to its metadata server.
        .disable_config_load()
        .disable_vm_metadata();
    Client::new(builder, transport).map_err(NotAsked::Client)
}

fn endpoint(access: &GcsAccess) -> &str {
    let endpoint = access.endpoint.as_deref().unwrap_or(GOOGLE);
    endpoint.trim_end_matches('/')
}

fn is_of_google(endpoint: &str) -> bool {
    host(endpoint).is_some_and(|host| host.ends_with(".googleapis.com"))
}

fn is_name_of_bucket(name: &str) -> bool {
    let at_the_ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(at_the_ends)
        && name.ends_with(at_the_ends)
        && name.chars().all(|c| at_the_ends(c) || "-_.".contains(c))
        && !name.contains("..")
}
