use reqsign_core::{Context, ProvideCredential, ProvideCredentialChain, Result};
use reqsign_google::{
    Credential, ServiceAccount, ServiceAccountTokenCredentialProvider, TokenCredentialProvider,
};
use serde::Deserialize;
use tokio::time::sleep;

use crate::object::search::LastSearch;
use crate::object::{Secret, client};

/// To look, to write and to delete objects, and nothing else of the cloud.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// Where Google Cloud Storage is, and as whom it is reached.
#[derive(Debug, Clone)]
pub struct GcsAccess {
    /// Without one: that of Google.
    pub endpoint: Option<String>,
    pub credentials: GcsCredentials,
}

/// As whom buckets are reached. There is no third way: the client's own search, which asks the metadata server of the
/// machine at last, is switched off.
#[derive(Debug, Clone)]
pub enum GcsCredentials {
    ServiceAccount(ServiceAccountKey),
    /// Of OAuth 2, good for an hour at most.
    AccessToken(Secret),
}

/// The key of a service account, as Google hands it out.
#[derive(Debug, Clone)]
pub struct ServiceAccountKey {
    client_email: String,
    private_key: Secret,
}

/// A text that is no key of a service account. The message shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoServiceAccountKey {
    #[error("it is no JSON with a `type`")]
    NoJson,
    #[error(
        "it has the type {0:?}, and only `service_account` is supported, which names nobody else and no other place"
    )]
    OtherType(String),
    #[error(
        "it is of another universe domain than {UNIVERSE}, which is the only one that is reached"
    )]
    OtherUniverse,
    #[error("it has no {0}")]
    Lacks(&'static str),
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
    private_key: Option<String>,
    universe_domain: Option<String>,
}

/// Where tokens are asked for.
const UNIVERSE: &str = "googleapis.com";
const LONGEST_TYPE: usize = 40;

impl ServiceAccountKey {
    /// Reads the JSON. Of the other things that Google calls credentials some name files, programs and addresses that
    /// would be asked for a token: a tenant must not choose those.
    pub fn parse(json: &str) -> std::result::Result<Self, NoServiceAccountKey> {
        let KeyFile {
            kind,
            client_email,
            private_key,
            universe_domain,
        } = serde_json::from_str(json).map_err(|_| NoServiceAccountKey::NoJson)?;
        if kind != "service_account" {
            let kind = kind.chars().take(LONGEST_TYPE).collect();
            return Err(NoServiceAccountKey::OtherType(kind));
        }
        if universe_domain.is_some_and(|domain| domain != UNIVERSE) {
            return Err(NoServiceAccountKey::OtherUniverse);
        }
        let needed = |value: Option<String>, name| {
            let value = value.filter(|value| !value.is_empty());
            value.ok_or(NoServiceAccountKey::Lacks(name))
        };
        Ok(Self {
            client_email: needed(client_email, "client_email")?,
            private_key: Secret::new(needed(private_key, "private_key")?),
        })
    }
}

impl GcsCredentials {
    /// Exactly these.
    pub(super) fn chain(&self, search: LastSearch) -> ProvideCredentialChain<Credential> {
        ProvideCredentialChain::new().push(Exactly {
            credentials: self.clone(),
            search,
        })
    }

    /// What must not appear in any message.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::ServiceAccount(key) => vec![key.private_key.clone()],
            Self::AccessToken(token) => vec![token.clone()],
        }
    }
}

/// The chain writes each provider that it tries into the log.
#[derive(Debug)]
struct Exactly {
    credentials: GcsCredentials,
    search: LastSearch,
}

impl ProvideCredential for Exactly {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let found = self.token(context).await;
        self.search.note(&found, |found| {
            let token = found.token.as_ref();
            token
                .map(|token| Secret::new(token.access_token.clone()))
                .into_iter()
                .collect()
        });
        found
    }
}

impl Exactly {
    /// A token with an end: left with the key itself, the client would fetch a new token for each request.
    async fn token(&self, context: &Context) -> Result<Option<Credential>> {
        let ServiceAccountKey {
            client_email,
            private_key,
        } = match &self.credentials {
            GcsCredentials::ServiceAccount(key) => key,
            GcsCredentials::AccessToken(token) => {
                let token = TokenCredentialProvider::new(token.reveal());
                return token.provide_credential(context).await;
            }
        };
        let exchange = ServiceAccountTokenCredentialProvider::new(ServiceAccount {
            client_email: client_email.clone(),
            private_key: private_key.reveal().to_owned(),
        })
        .with_scope(SCOPE);
        // The client takes an error for nothing found, and would not try again.
        let mut pauses = client::pauses();
        loop {
            match exchange.provide_credential(context).await {
                Err(why) if why.is_retryable() => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(why),
                },
                found => return found,
            }
        }
    }
}

#[cfg(test)]
mod tests;
