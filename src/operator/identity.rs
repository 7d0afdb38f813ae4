//! As whom a policy reaches its storage. Exactly one identity; nothing falls back to another.

use k8s_openapi::api::core::v1::Secret as SecretObject;
use kube::Api;
use storage::{S3Access, S3Credentials, Secret};

use super::server_side::{is_forbidden, is_gone};
use crate::api::names::is_object_name;
use crate::api::retention_policy::{Addressing, S3Access as S3Settings, StorageAccess};

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// Who asks the storage.
#[derive(Debug)]
pub(super) enum Identity {
    /// The operator itself, within what was granted to the namespace.
    Operator,
    /// Whoever the Secret of the namespace says, wherever the store lets him.
    Tenant(S3Access),
    Nobody(NoIdentity),
}

/// Why nobody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoIdentity {
    /// The spec names none that this version honours.
    Unnamed,
    /// An older definition let it through.
    NoSecretName {
        name: String,
    },
    SecretForbidden {
        name: String,
    },
    SecretNotFound {
        name: String,
    },
    SecretIncomplete {
        name: String,
        why: String,
    },
}

impl Identity {
    /// Reads the Secret, if the policy names one. It is read whenever it is needed, never watched and never kept.
    pub(super) async fn of(
        storage: &StorageAccess,
        secrets: &Api<SecretObject>,
    ) -> Result<Self, kube::Error> {
        let StorageAccess {
            secret_ref,
            worker,
            operator_identity,
            s3,
            requests_per_second: _,
        } = storage;
        let name = match (secret_ref, worker, operator_identity) {
            (Some(secret), None, None) => secret.name.clone(),
            (None, None, Some(_)) => return Ok(Self::Operator),
            _ => return Ok(Self::Nobody(NoIdentity::Unnamed)),
        };
        if !is_object_name(&name) {
            return Ok(Self::Nobody(NoIdentity::NoSecretName { name }));
        }
        let secret = match secrets.get(&name).await {
            Ok(secret) => secret,
            Err(error) if is_gone(&error) => {
                return Ok(Self::Nobody(NoIdentity::SecretNotFound { name }));
            }
            Err(error) if is_forbidden(&error) => {
                return Ok(Self::Nobody(NoIdentity::SecretForbidden { name }));
            }
            Err(error) => return Err(error),
        };
        Ok(match credentials(&secret) {
            Ok(credentials) => Self::Tenant(access(s3.as_ref(), credentials)),
            Err(why) => Self::Nobody(NoIdentity::SecretIncomplete { name, why }),
        })
    }

    /// Why nobody asks, if that is so.
    pub(super) fn missing(&self) -> Option<&NoIdentity> {
        match self {
            Self::Nobody(why) => Some(why),
            Self::Operator | Self::Tenant(_) => None,
        }
    }
}

impl NoIdentity {
    /// A stable word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unnamed => "NoIdentity",
            Self::NoSecretName { .. } => "InvalidSecretName",
            Self::SecretForbidden { .. } => "SecretForbidden",
            Self::SecretNotFound { .. } => "SecretNotFound",
            Self::SecretIncomplete { .. } => "SecretIncomplete",
        }
    }

    /// What is wrong, and who has to do what. `account` is the operator's own, as `namespace:name`.
    pub(super) fn sentence(&self, namespace: &str, account: &str) -> String {
        match self {
            Self::Unnamed => {
                "The policy says not as whom its storage is reached: name a Secret in `storage.secretRef`, or set `storage.operatorIdentity: {}`.".to_owned()
            }
            Self::NoSecretName { name } => format!(
                "{name:?} in `storage.secretRef` is no name that a Secret can have: write lowercase letters, digits, `-` and `.`, with a letter or digit at both ends."
            ),
            Self::SecretForbidden { name } => format!(
                "The operator may not read Secret {name}; allow it: `kubectl create role -n {namespace} flink-retention-{name} --verb=get --resource=secrets --resource-name={name}` and `kubectl create rolebinding -n {namespace} flink-retention-{name} --role=flink-retention-{name} --serviceaccount={account}`."
            ),
            Self::SecretNotFound { name } => format!(
                "There is no Secret {name} in namespace {namespace}: create it with the keys {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}."
            ),
            Self::SecretIncomplete { name, why } => format!("Secret {name} {why}."),
        }
    }
}

fn credentials(secret: &SecretObject) -> Result<S3Credentials, String> {
    let text = |key: &str| {
        let value = secret.data.as_ref().and_then(|data| data.get(key));
        let value = value.map(|bytes| std::str::from_utf8(&bytes.0));
        match value {
            None => Ok(None),
            // Editors add line ends, which no key has.
            Some(Ok(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(format!("has a value of {key} that is no text")),
        }
    };
    let needed = |key: &str| {
        let value = text(key)?.ok_or_else(|| format!("needs a value of {key}"))?;
        Ok::<_, String>(Secret::new(value.to_owned()))
    };
    Ok(S3Credentials::Keys {
        access_key_id: needed(ACCESS_KEY_ID)?,
        secret_access_key: needed(SECRET_ACCESS_KEY)?,
        session_token: text(SESSION_TOKEN)?.map(|token| Secret::new(token.to_owned())),
    })
}

fn access(settings: Option<&S3Settings>, credentials: S3Credentials) -> S3Access {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(data: &[(&str, &str)]) -> SecretObject {
        let data = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        SecretObject {
            data: Some(data.collect()),
            ..SecretObject::default()
        }
    }

    #[test]
    fn a_secret_without_both_keys_is_no_identity() {
        let needed = [(ACCESS_KEY_ID, "AK"), (SECRET_ACCESS_KEY, "sk\n")];
        assert!(credentials(&secret(&needed)).is_ok());
        for (data, part) in [
            (vec![], ACCESS_KEY_ID),
            (vec![needed[0]], SECRET_ACCESS_KEY),
            (
                vec![needed[0], (SECRET_ACCESS_KEY, " \n")],
                SECRET_ACCESS_KEY,
            ),
            (vec![needed[1]], ACCESS_KEY_ID),
        ] {
            let why = credentials(&secret(&data)).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        assert!(credentials(&SecretObject::default()).is_err());
    }

    #[test]
    fn what_is_read_is_never_printed() {
        let data = [
            (ACCESS_KEY_ID, "printed-1"),
            (SECRET_ACCESS_KEY, "printed-2"),
            (SESSION_TOKEN, "printed-3"),
        ];
        let credentials = credentials(&secret(&data)).unwrap();
        let identity = Identity::Tenant(access(None, credentials));
        assert!(!format!("{identity:?}").contains("printed"), "{identity:?}");
    }
}
