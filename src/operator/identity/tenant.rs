//! What a Secret says: as whom a tenant reaches each kind of object store.

use k8s_openapi::api::core::v1::Secret as SecretObject;
use retention::location::{Location, ObjectStore, Store};
use storage::{
    AzureAccess, AzureIdentity, GcsAccess, GcsCredentials, S3Access, S3Credentials, Secret,
    ServiceAccountKey,
};

use crate::api::retention_policy::{
    Addressing, AzureAccess as AzureSettings, GcsAccess as GcsSettings, S3Access as S3Settings,
    StorageAccess,
};

pub(super) const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub(super) const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
pub(super) const SERVICE_ACCOUNT_KEY: &str = "GOOGLE_SERVICE_ACCOUNT_KEY";
pub(super) const STORAGE_ACCOUNT: &str = "AZURE_STORAGE_ACCOUNT_NAME";
const ACCESS_TOKEN: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";

/// Nobody for the stores that the Secret says nothing of; somebody for one of them at least.
#[derive(Debug)]
pub(in crate::operator) struct Tenant {
    pub(in crate::operator) s3: Option<S3Access>,
    pub(in crate::operator) gcs: Option<GcsAccess>,
    pub(in crate::operator) azure: Option<AzureAccess>,
}

impl Tenant {
    /// Fails, with the end of a sentence, where the Secret has a part of what a store needs, or nothing at all.
    pub(super) fn of(secret: &SecretObject, settings: &StorageAccess) -> Result<Self, String> {
        let values = Values(secret);
        let tenant = Self {
            s3: s3(&values)?.map(|credentials| s3_access(settings.s3.as_ref(), credentials)),
            gcs: gcs(&values)?.map(|credentials| gcs_access(settings.gcs.as_ref(), credentials)),
            azure: azure(&values)?.map(|identity| azure_access(settings.azure.as_ref(), identity)),
        };
        if tenant.s3.is_none() && tenant.gcs.is_none() && tenant.azure.is_none() {
            return Err(format!(
                "needs values of {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} for S3, of {SERVICE_ACCOUNT_KEY} for Google Cloud Storage, or of {STORAGE_ACCOUNT} and a key, signature or application for Azure Storage"
            ));
        }
        Ok(tenant)
    }

    /// Whether he is anybody there. What he may do is for the store to say.
    pub(in crate::operator) fn reaches(&self, location: &Location) -> bool {
        match location.store() {
            Store::Object { kind, bucket } => match kind {
                ObjectStore::S3 => self.s3.is_some(),
                ObjectStore::Gcs => self.gcs.is_some(),
                ObjectStore::Azure => self.azure.as_ref().is_some_and(|azure| azure.has(bucket)),
                ObjectStore::Oss => false,
            },
            Store::File { .. } | Store::Hdfs { .. } | Store::Other { .. } => false,
        }
    }
}

struct Values<'a>(&'a SecretObject);

impl<'a> Values<'a> {
    fn get(&self, key: &str) -> Result<Option<&'a str>, String> {
        let value = self.0.data.as_ref().and_then(|data| data.get(key));
        let value = value.map(|bytes| std::str::from_utf8(&bytes.0));
        match value {
            None => Ok(None),
            // Editors add line ends, which no key has.
            Some(Ok(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(format!("has a value of {key} that is no text")),
        }
    }

    fn secret(&self, key: &str) -> Result<Option<Secret>, String> {
        let value = self.get(key)?;
        Ok(value.map(|text| Secret::new(text.to_owned())))
    }
}

fn s3(values: &Values<'_>) -> Result<Option<S3Credentials>, String> {
    let access_key_id = values.secret(ACCESS_KEY_ID)?;
    let secret_access_key = values.secret(SECRET_ACCESS_KEY)?;
    let session_token = values.secret(SESSION_TOKEN)?;
    match (access_key_id, secret_access_key) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(Some(S3Credentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        })),
        (None, None) if session_token.is_none() => Ok(None),
        (None, _) => Err(format!("needs a value of {ACCESS_KEY_ID}")),
        (Some(_), None) => Err(format!("needs a value of {SECRET_ACCESS_KEY}")),
    }
}

fn gcs(values: &Values<'_>) -> Result<Option<GcsCredentials>, String> {
    let key = values.get(SERVICE_ACCOUNT_KEY)?;
    match (key, values.secret(ACCESS_TOKEN)?) {
        (Some(_), Some(_)) => Err(format!(
            "has {SERVICE_ACCOUNT_KEY} and {ACCESS_TOKEN}, and only one can count: remove the other"
        )),
        (Some(key), None) => {
            let key = ServiceAccountKey::parse(key).map_err(|why| {
                format!(
                    "has a {SERVICE_ACCOUNT_KEY} that is not the key of a service account: {why}"
                )
            })?;
            Ok(Some(GcsCredentials::ServiceAccount(key)))
        }
        (None, token) => Ok(token.map(GcsCredentials::AccessToken)),
    }
}

/// Nobody but the account that is named; an application without one is somebody elsewhere.
fn azure(values: &Values<'_>) -> Result<Option<AzureIdentity>, String> {
    let mut settings = Vec::new();
    for name in AzureIdentity::SETTINGS {
        settings.push((name, values.get(name)?));
    }
    let named = AzureIdentity::named(|name| {
        let found = settings.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| value.map(str::to_owned))
    });
    named.map_err(|why| why.to_string())
}

fn s3_access(settings: Option<&S3Settings>, credentials: S3Credentials) -> S3Access {
    let S3Settings {
        endpoint,
        region,
        addressing,
    } = settings.cloned().unwrap_or_default();
    S3Access {
        endpoint,
        region,
        virtual_host_style: match addressing {
            Some(Addressing::VirtualHost) => true,
            Some(Addressing::Path) | None => false,
        },
        credentials,
    }
}

fn gcs_access(settings: Option<&GcsSettings>, credentials: GcsCredentials) -> GcsAccess {
    let GcsSettings { endpoint } = settings.cloned().unwrap_or_default();
    GcsAccess {
        endpoint,
        credentials,
    }
}

fn azure_access(settings: Option<&AzureSettings>, identity: AzureIdentity) -> AzureAccess {
    let AzureSettings { endpoint } = settings.cloned().unwrap_or_default();
    AzureAccess { endpoint, identity }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use k8s_openapi::ByteString;
    use retention::location::Origin;

    const KEY: &str =
        r#"{"type": "service_account", "client_email": "a@b", "private_key": "printed-4"}"#;

    // "printed" in base64.
    const AZURE_KEY: (&str, &str) = ("AZURE_STORAGE_ACCOUNT_KEY", "cHJpbnRlZA==");

    fn tenant(data: &[(&str, &str)]) -> Result<Tenant, String> {
        let data = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        let secret = SecretObject {
            data: Some(data.collect()),
            ..SecretObject::default()
        };
        Tenant::of(&secret, &StorageAccess::default())
    }

    #[test]
    fn a_part_of_what_a_store_needs_is_no_identity() {
        let needed = [(ACCESS_KEY_ID, "AK"), (SECRET_ACCESS_KEY, "sk\n")];
        assert!(tenant(&needed).is_ok());
        let of_the_operator = r#"{"type": "external_account", "token_url": "https://evil.example",
            "credential_source": {"file": "/var/run/secrets/kubernetes.io/serviceaccount/token"}}"#;
        for (data, part) in [
            (vec![], ACCESS_KEY_ID),
            (vec![], SERVICE_ACCOUNT_KEY),
            (vec![needed[0]], SECRET_ACCESS_KEY),
            (
                vec![needed[0], (SECRET_ACCESS_KEY, " \n")],
                SECRET_ACCESS_KEY,
            ),
            (vec![needed[1]], ACCESS_KEY_ID),
            (
                vec![(SESSION_TOKEN, "t"), (ACCESS_TOKEN, "t")],
                ACCESS_KEY_ID,
            ),
            (vec![(SERVICE_ACCOUNT_KEY, "printed")], "no JSON"),
            (
                vec![(SERVICE_ACCOUNT_KEY, of_the_operator)],
                "external_account",
            ),
            (
                vec![(SERVICE_ACCOUNT_KEY, KEY), (ACCESS_TOKEN, "printed")],
                "remove the other",
            ),
            (vec![], STORAGE_ACCOUNT),
            (vec![(STORAGE_ACCOUNT, "state1")], "AZURE_STORAGE_SAS_TOKEN"),
            (vec![AZURE_KEY], STORAGE_ACCOUNT),
            (
                vec![
                    (STORAGE_ACCOUNT, "state1"),
                    AZURE_KEY,
                    ("AZURE_STORAGE_SAS_TOKEN", "sig=printed"),
                ],
                "remove the other",
            ),
            // Of the operator's own pod, perhaps: they name nobody here.
            (
                vec![(STORAGE_ACCOUNT, "state1"), ("AZURE_CLIENT_ID", "c")],
                "AZURE_TENANT_ID",
            ),
        ] {
            let why = tenant(&data).unwrap_err();
            assert!(why.contains(part) && !why.contains("printed"), "{why}");
        }
    }

    #[test]
    fn he_is_nobody_where_the_secret_names_nobody() {
        let s3 = tenant(&[(ACCESS_KEY_ID, "AK"), (SECRET_ACCESS_KEY, "sk")]).unwrap();
        let gcs = tenant(&[(SERVICE_ACCOUNT_KEY, KEY)]).unwrap();
        let azure = tenant(&[(STORAGE_ACCOUNT, "state1"), AZURE_KEY]).unwrap();
        for (text, reached) in [
            ("s3a://b/x", Some(0)),
            ("gs://b/x", Some(1)),
            ("abfss://c-1@state1.dfs.core.windows.net/x", Some(2)),
            ("wasbs://c-1@state1.blob.core.windows.net/x", Some(2)),
            ("abfss://c-1@other1.dfs.core.windows.net/x", None),
            ("abfss://c-1@state1.evil.example/x", None),
            ("file:/x", None),
            ("hdfs://nn/x", None),
        ] {
            let location = Location::parse(text, &Origin::default()).unwrap();
            let tenants = [&s3, &gcs, &azure];
            let by = tenants.map(|tenant| tenant.reaches(&location));
            let expected = [0, 1, 2].map(|number| reached == Some(number));
            assert_eq!(by, expected, "{text}");
        }
    }

    #[test]
    fn what_is_read_is_never_printed() {
        let tenant = tenant(&[
            (ACCESS_KEY_ID, "printed-1"),
            (SECRET_ACCESS_KEY, "printed-2"),
            (SESSION_TOKEN, "printed-3"),
            (SERVICE_ACCOUNT_KEY, KEY),
            (STORAGE_ACCOUNT, "state1"),
            AZURE_KEY,
        ]);
        let identity = super::super::Identity::Tenant(Box::new(tenant.unwrap()));
        let text = format!("{identity:?}");
        assert!(
            !text.contains("printed") && !text.contains(AZURE_KEY.1),
            "{text}"
        );
    }
}
