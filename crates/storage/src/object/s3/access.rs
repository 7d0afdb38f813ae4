use reqsign_aws_v4::Credential;
use reqsign_core::{Context, ProvideCredential, ProvideCredentialChain};

use super::of_this_process::OfThisProcess;
use crate::object::Secret;
use crate::object::search::LastSearch;

/// Where a store that speaks S3 is, and as whom it is reached.
#[derive(Debug, Clone)]
pub struct S3Access {
    /// Without one: that of AWS for the region.
    pub endpoint: Option<String>,
    /// Without one: `us-east-1`, which most other stores than AWS take for their own.
    pub region: Option<String>,
    /// `https://bucket.host/key` instead of `https://host/bucket/key`.
    pub virtual_host_style: bool,
    pub credentials: S3Credentials,
}

/// As whom a bucket is reached.
#[derive(Debug, Clone)]
pub enum S3Credentials {
    /// These keys and no others.
    Keys {
        access_key_id: Secret,
        secret_access_key: Secret,
        session_token: Option<Secret>,
    },
    /// Much as the AWS command line. In this order: the environment, the shared configuration and credentials files, web
    /// identity, the role of the container, that of the instance. What is set up there and does not work ends the
    /// search; after a profile with a name nothing else counts.
    OfThisProcess,
}

impl S3Credentials {
    /// Exactly these: the client's own chain would go on to the roles of this process, whatever it was told to leave out.
    ///
    /// The client's chain takes an error for nothing found, so why there are none is noted in `search`.
    pub(super) fn chain(&self, search: LastSearch) -> ProvideCredentialChain<Credential> {
        let chain = ProvideCredentialChain::new();
        match self {
            Self::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => chain.push(Keys {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: session_token.clone(),
            }),
            Self::OfThisProcess => chain.push(OfThisProcess(search)),
        }
    }

    /// What must not appear in any message.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => [
                Some(access_key_id),
                Some(secret_access_key),
                session_token.as_ref(),
            ]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
            Self::OfThisProcess => Vec::new(),
        }
    }
}

/// The client's own provider of keys prints them: the chain writes each provider that it tries into the log.
#[derive(Debug)]
struct Keys {
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

impl ProvideCredential for Keys {
    type Credential = Credential;

    async fn provide_credential(
        &self,
        _context: &Context,
    ) -> reqsign_core::Result<Option<Credential>> {
        Ok(Some(Credential {
            access_key_id: self.access_key_id.reveal().to_owned(),
            secret_access_key: self.secret_access_key.reveal().to_owned(),
            session_token: self
                .session_token
                .as_ref()
                .map(|token| token.reveal().to_owned()),
            expires_in: None,
        }))
    }
}
