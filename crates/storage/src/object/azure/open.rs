use std::sync::Arc;

use opendal::services;
use tokio::sync::OnceCell;

use super::identity::Credentials;
use super::{AzureAccess, AzureIdentity};
use crate::object::account::Access;
use crate::object::address::{Home, host, is_here, is_private};
use crate::object::client::Client;
use crate::object::protocol::Protocol;
use crate::object::search::LastSearch;
use crate::object::transport::Transport;
use crate::object::{ObjectStorage, directory_prefix};
use crate::port::{Key, Operation, StorageError};

const PUBLIC_CLOUD: &str = "core.windows.net";
/// Who gives out tokens for the accounts of a cloud.
const AUTHORITIES: [(&str, &str); 2] = [
    (".core.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    (
        ".core.usgovcloudapi.net",
        "https://login.microsoftonline.us",
    ),
];
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// Why a container cannot be asked for. Names come from resources of tenants, and the client makes URLs of them.
#[derive(Debug, thiserror::Error)]
enum NotAsked {
    #[error(
        "{0:?} names no container of an account; write abfss://<container>@<account>.dfs.{PUBLIC_CLOUD}/<path>"
    )]
    NoContainer(String),
    /// What is known of one account must not be told another.
    #[error(
        "{asked} is not where the account {account} of the credentials is ({host}); name the account of this directory, and where it is not in Azure's public cloud also the endpoint"
    )]
    OtherAccount {
        asked: String,
        account: String,
        host: String,
    },
    #[error(
        "the endpoint is no address of a store; write http:// or https:// and a host, such as https://<account>.blob.{PUBLIC_CLOUD}, without a path, user, password or query"
    )]
    Endpoint,
    #[error(
        "the endpoint is reached without encryption, and whoever listens would have the signature or token; write https:// (http:// is for this machine only)"
    )]
    InClear,
    #[error(
        "the endpoint {0} is of another account than {1}, the one of the credentials; name the endpoint of that account, or none"
    )]
    EndpointOfAnother(String, String),
    /// It would be worth as much to whoever answers there.
    #[error(
        "the host of the endpoint {0} does not begin with the account {1}, so it is told no signature or token; use the key of the account, which only signs"
    )]
    Told(String, String),
    #[error("{0}")]
    Client(opendal::Error),
}

/// Where an account is.
struct Place {
    /// The host of its blob endpoint, by which locations name it.
    host: String,
    /// With the account as a part of the host or of the path.
    url: String,
    /// Without a path.
    endpoint: String,
    authority: &'static str,
}

impl AzureAccess {
    /// Whether a container, named with its host as in `container@account.dfs.core.windows.net`, is in this account.
    #[must_use]
    pub fn has(&self, container: &str) -> bool {
        self.place()
            .and_then(|place| container_of(container, &place, self.identity.account()))
            .is_ok()
    }

    fn place(&self) -> Result<Place, NotAsked> {
        let account = self.identity.account();
        let public = format!("{account}.blob.{PUBLIC_CLOUD}");
        let Some(endpoint) = &self.endpoint else {
            let url = format!("https://{public}");
            return Ok(Place {
                host: public,
                endpoint: url.clone(),
                url,
                authority: AUTHORITY,
            });
        };
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let named = host(&endpoint).ok_or(NotAsked::Endpoint)?;
        let authority = AUTHORITIES.iter().find(|(end, _)| named.ends_with(end));
        let has_name = named.starts_with(&format!("{account}."));
        if !has_name && is_of_azure(&named) {
            return Err(NotAsked::EndpointOfAnother(named, account.to_owned()));
        }
        let only_signs = matches!(self.identity.credentials(), Credentials::AccountKey(_));
        if !has_name && !only_signs && !is_here(&named) {
            return Err(NotAsked::Told(named, account.to_owned()));
        }
        Ok(Place {
            host: if has_name { named } else { public },
            url: if has_name {
                endpoint.clone()
            } else {
                format!("{endpoint}/{account}")
            },
            authority: authority.map_or(AUTHORITY, |(_, authority)| authority),
            endpoint,
        })
    }
}

/// Where every account has a host of its own.
fn is_of_azure(host: &str) -> bool {
    let of_a_cloud = AUTHORITIES.iter().any(|(end, _)| host.ends_with(end));
    of_a_cloud
        || host.ends_with(&format!(".{PUBLIC_CLOUD}"))
        || host.ends_with(".storage.azure.net")
}

impl Access for AzureAccess {
    fn open(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Option<Key>,
    ) -> Result<ObjectStorage, StorageError> {
        let url = format!("abfss://{bucket}");
        let search = LastSearch::default();
        let refused = |why| StorageError::Unsupported {
            operation: Operation::Open,
            path: url.clone(),
            cause: Arc::new(why),
        };
        let place = self.place().map_err(refused)?;
        let container = container_of(bucket, &place, self.identity.account()).map_err(refused)?;
        let transport = transport(&place, container).map_err(refused)?;
        let Client { patient, once } =
            client(&self.identity, &place, container, &search, &transport).map_err(refused)?;
        Ok(ObjectStorage {
            operator: patient,
            once,
            transport,
            protocol: Protocol::Azure,
            prefix: directory_prefix(prefix),
            bucket: url,
            own,
            conditions: Arc::new(OnceCell::new()),
            service: place.url,
            secrets: self.identity.secrets().into(),
            search,
        })
    }
}

/// The container of `container@host`, if the host is that of this account: the two endpoints, `blob` and `dfs`, lead to
/// the same.
fn container_of<'a>(bucket: &'a str, place: &Place, account: &str) -> Result<&'a str, NotAsked> {
    let no_container = || NotAsked::NoContainer(bucket.to_owned());
    let (container, host) = bucket.split_once('@').ok_or_else(no_container)?;
    if !is_name_of_container(container) {
        return Err(no_container());
    }
    if host.to_ascii_lowercase().replacen(".dfs.", ".blob.", 1) == place.host {
        return Ok(container);
    }
    Err(NotAsked::OtherAccount {
        asked: host.to_owned(),
        account: account.to_owned(),
        host: place.host.clone(),
    })
}

fn is_name_of_container(name: &str) -> bool {
    let at_the_ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.starts_with(at_the_ends)
        && name.ends_with(at_the_ends)
        && name.chars().all(|c| at_the_ends(c) || c == '-')
}

fn transport(place: &Place, container: &str) -> Result<Transport, NotAsked> {
    // What looks like a host may be a password, so it is not repeated.
    let home = Home::of(&[&place.endpoint, place.authority]).ok_or(NotAsked::Endpoint)?;
    if !is_private(&place.endpoint) {
        return Err(NotAsked::InClear);
    }
    Ok(Transport::new(Protocol::Azure, container, Some(home)))
}

fn client(
    identity: &AzureIdentity,
    place: &Place,
    container: &str,
    search: &LastSearch,
    transport: &Transport,
) -> Result<Client, NotAsked> {
    let builder = services::Azblob::default()
        .container(container)
        .endpoint(&place.url)
        .account_name(identity.account())
        // Instead of the client's own search, which ends at the metadata server of the machine.
        .credential_provider_chain(identity.chain(place.authority, search.clone()));
    Client::new(builder, transport).map_err(NotAsked::Client)
}
