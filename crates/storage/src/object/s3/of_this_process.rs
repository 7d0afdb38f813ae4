//! As whom the command line reaches S3, found where the AWS command line looks.

use std::time::Duration;

use reqsign_aws_v4::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider,
    IMDSv2CredentialProvider, ProfileCredentialProvider, SSOCredentialProvider,
};
use reqsign_core::{Context, Error, ProvideCredential, Result};
use tokio::time::timeout;

use super::profile::{self, Profile};
use crate::object::Secret;
use crate::object::search::LastSearch;

/// One provider for the client: with several it would go on to somebody else after an error.
#[derive(Debug)]
pub(super) struct OfThisProcess(pub(super) LastSearch);

impl ProvideCredential for OfThisProcess {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let found = search(context).await;
        self.0.note(&found, secrets);
        found
    }
}

fn secrets(found: &Credential) -> Vec<Secret> {
    let parts = [&found.access_key_id, &found.secret_access_key];
    let parts = parts.into_iter().chain(&found.session_token);
    parts.cloned().map(Secret::new).collect()
}

/// The first that is set up, whether it works or not.
async fn search(context: &Context) -> Result<Option<Credential>> {
    if let Some(found) = environment(context)? {
        return Ok(Some(found));
    }
    let profile = profile::read(context).await?;
    if let Some(found) = of_profile(context, &profile).await? {
        return Ok(Some(found));
    }
    if profile.is_set_up {
        return Err(Error::credential_invalid(format!(
            "the profile {} has no credentials that work; correct it, or name another one in AWS_PROFILE",
            profile.name
        )));
    }
    if let Some(found) = web_identity(context).await? {
        return Ok(Some(found));
    }
    match ECSCredentialProvider::new()
        .provide_credential(context)
        .await?
    {
        Some(found) => Ok(Some(found)),
        None => Ok(instance_role(context).await),
    }
}

fn environment(context: &Context) -> Result<Option<Credential>> {
    let variable = |name| context.env_var(name).filter(|value| !value.is_empty());
    match (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    ) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(Some(Credential {
            access_key_id,
            secret_access_key,
            session_token: variable("AWS_SESSION_TOKEN"),
            expires_in: None,
        })),
        (None, None) => Ok(None),
        _ => Err(Error::config_invalid(
            "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set; set both or none",
        )),
    }
}

async fn of_profile(context: &Context, profile: &Profile) -> Result<Option<Credential>> {
    let keys = ProfileCredentialProvider::new().with_profile(&profile.name);
    if let Some(found) = keys.provide_credential(context).await? {
        return Ok(Some(found));
    }
    let session = SSOCredentialProvider::new().with_profile(&profile.name);
    session.provide_credential(context).await
}

async fn web_identity(context: &Context) -> Result<Option<Credential>> {
    let found = AssumeRoleWithWebIdentityCredentialProvider::new()
        .provide_credential(context)
        .await?;
    let token = context.env_var("AWS_WEB_IDENTITY_TOKEN_FILE");
    if found.is_none() && token.is_some_and(|path| !path.is_empty()) {
        return Err(Error::config_invalid(
            "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; set both or none",
        ));
    }
    Ok(found)
}

const INSTANCE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The role of the machine, asked for last. Elsewhere than at AWS nobody answers at that address, or somebody else does,
/// which takes long to notice: then there are no credentials.
async fn instance_role(context: &Context) -> Option<Credential> {
    let role = IMDSv2CredentialProvider::new();
    let answer = timeout(INSTANCE_ANSWERS_WITHIN, role.provide_credential(context)).await;
    answer.ok()?.ok()?
}

#[cfg(test)]
mod tests;
