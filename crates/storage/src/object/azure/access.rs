use reqsign_azure_storage::{ClientSecretCredentialProvider, Credential};
use reqsign_core::{Context, ProvideCredential, ProvideCredentialChain, Result};
use tokio::time::sleep;

use super::AzureIdentity;
use super::identity::Credentials;
use crate::object::search::LastSearch;
use crate::object::{Secret, client};

/// Where an account of Azure Storage is, and as whom it is reached.
#[derive(Debug, Clone)]
pub struct AzureAccess {
    /// `https://<account>.blob.<domain>` of another cloud than Azure's public one, or a server (an emulator) that takes
    /// the account for the first part of the path. Without one: `https://<account>.blob.core.windows.net`.
    pub endpoint: Option<String>,
    pub identity: AzureIdentity,
}

impl AzureIdentity {
    /// Exactly this one. `authority` is who gives out tokens.
    pub(super) fn chain(
        &self,
        authority: &'static str,
        search: LastSearch,
    ) -> ProvideCredentialChain<Credential> {
        ProvideCredentialChain::new().push(Exactly {
            identity: self.clone(),
            authority,
            search,
        })
    }

    /// What must not appear in any message.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self.credentials() {
            Credentials::AccountKey(key) => vec![key.clone()],
            Credentials::Signature(token) => {
                let signed = token.reveal().split('&');
                let signatures = signed.filter_map(|pair| pair.strip_prefix("sig="));
                // The whole first: what is replaced is found no more.
                let whole = [token.clone()].into_iter();
                whole
                    .chain(signatures.map(|signature| Secret::new(signature.to_owned())))
                    .collect()
            }
            Credentials::Application { client_secret, .. } => vec![client_secret.clone()],
        }
    }
}

/// The chain writes each provider that it tries into the log.
#[derive(Debug)]
struct Exactly {
    identity: AzureIdentity,
    authority: &'static str,
    search: LastSearch,
}

impl ProvideCredential for Exactly {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let found = self.credential(context).await;
        self.search.note(&found, |found| match found {
            Credential::BearerToken { token, .. } => vec![Secret::new(token.clone())],
            // Known before.
            Credential::SharedKey { .. } | Credential::SasToken { .. } => Vec::new(),
        });
        found
    }
}

impl Exactly {
    async fn credential(&self, context: &Context) -> Result<Option<Credential>> {
        let (tenant_id, client_id, client_secret) = match self.identity.credentials() {
            Credentials::AccountKey(key) => {
                let account = self.identity.account();
                return Ok(Some(Credential::with_shared_key(account, key.reveal())));
            }
            Credentials::Signature(token) => {
                return Ok(Some(Credential::with_sas_token(token.reveal())));
            }
            Credentials::Application {
                tenant_id,
                client_id,
                client_secret,
            } => (tenant_id, client_id, client_secret),
        };
        // What is not set here would be looked for in the environment.
        let exchange = ClientSecretCredentialProvider::new()
            .with_tenant_id(tenant_id)
            .with_client_id(client_id)
            .with_client_secret(client_secret.reveal())
            .with_authority_host(self.authority);
        // The client takes an error for nothing found, and would not try again.
        let mut pauses = client::pauses();
        loop {
            match exchange.provide_credential(context).await {
                Err(why) if is_momentary(&why) => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(why.set_retryable(true)),
                },
                found => return found,
            }
        }
    }
}

/// The client takes every refusal for one of the credentials, and notes the status beside.
fn is_momentary(why: &reqsign_core::Error) -> bool {
    let noted = |status: &str| {
        let start = format!("http_status: {status}");
        why.context().iter().any(|text| text.starts_with(&start))
    };
    why.is_retryable() || noted("5") || noted("429")
}

#[cfg(test)]
mod tests;
