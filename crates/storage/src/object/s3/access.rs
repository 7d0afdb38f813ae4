use std::fmt;

use reqsign_aws_v4::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider,
    EnvCredentialProvider, IMDSv2CredentialProvider, ProcessCredentialProvider,
    ProfileCredentialProvider, SSOCredentialProvider, StaticCredentialProvider,
};
use reqsign_core::{Context, ProvideCredential, ProvideCredentialChain};
use std::time::Duration;
use tokio::time::timeout;

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
    /// What the AWS command line would use here. In this order: the environment, the shared configuration and
    /// credentials files (keys, single sign-on, a process), web identity, the role of the container, that of the
    /// instance.
    OfThisProcess,
}

/// Something that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(in crate::object) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl S3Credentials {
    /// Exactly these: the client's own chain would go on to the roles of this process, whatever it was told to leave out.
    pub(super) fn chain(&self) -> ProvideCredentialChain<Credential> {
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
            Self::OfThisProcess => chain
                .push(EnvCredentialProvider::new())
                .push(ProfileCredentialProvider::new())
                .push(SSOCredentialProvider::new())
                .push(ProcessCredentialProvider::new())
                .push(AssumeRoleWithWebIdentityCredentialProvider::new())
                .push(ECSCredentialProvider::new())
                .push(InstanceRole(IMDSv2CredentialProvider::new())),
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
        context: &Context,
    ) -> reqsign_core::Result<Option<Credential>> {
        let keys = StaticCredentialProvider::new(&self.access_key_id.0, &self.secret_access_key.0);
        let keys = match &self.session_token {
            Some(Secret(token)) => keys.with_session_token(token),
            None => keys,
        };
        keys.provide_credential(context).await
    }
}

/// The role of the machine. Elsewhere than at AWS nobody answers at that address, which takes long to notice.
#[derive(Debug)]
struct InstanceRole(IMDSv2CredentialProvider);

const INSTANCE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

impl ProvideCredential for InstanceRole {
    type Credential = Credential;

    async fn provide_credential(
        &self,
        context: &Context,
    ) -> reqsign_core::Result<Option<Credential>> {
        timeout(INSTANCE_ANSWERS_WITHIN, self.0.provide_credential(context))
            .await
            .unwrap_or(Ok(None))
    }
}
