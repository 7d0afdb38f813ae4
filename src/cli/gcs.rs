//! As whom the command line reaches Google Cloud Storage: by the key or the token that the environment names, and as
//! nobody else. What the tools of Google find besides, on this machine or asking its metadata server, does not count.

use std::path::Path;
use std::{env, fs};

use storage::{GcsAccess, GcsAccount, GcsCredentials, Secret, ServiceAccountKey};

use super::UsageError;

const KEY_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const TOKEN: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";
/// Where tests and emulators are; the client libraries of Google heed it, too.
const ENDPOINT: &str = "STORAGE_EMULATOR_HOST";

pub(super) fn account() -> anyhow::Result<GcsAccount> {
    let read = |path: &str| fs::read_to_string(Path::new(path)).map_err(|why| why.to_string());
    let access = access(|name| env::var(name).ok(), read).map_err(UsageError)?;
    Ok(GcsAccount::new(access))
}

fn access(
    variable: impl Fn(&str) -> Option<String>,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<GcsAccess, String> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let credentials = match (set(KEY_FILE), set(TOKEN)) {
        (Some(path), None) => {
            let text =
                read(&path).map_err(|why| format!("cannot read {path} ({KEY_FILE}): {why}"))?;
            let key = ServiceAccountKey::parse(&text).map_err(|why| {
                format!("{path} ({KEY_FILE}) is not the key of a service account: {why}")
            })?;
            GcsCredentials::ServiceAccount(key)
        }
        (None, Some(token)) => GcsCredentials::AccessToken(Secret::new(token)),
        (Some(_), Some(_)) => {
            return Err(format!(
                "{KEY_FILE} and {TOKEN} are both set, and only one can count; unset the other"
            ));
        }
        (None, None) => {
            return Err(format!(
                "nobody is named as whom to reach gs://; set {KEY_FILE} to the file with the key of a service account, or {TOKEN} (`gcloud auth print-access-token`)"
            ));
        }
    };
    Ok(GcsAccess {
        endpoint: set(ENDPOINT).map(|host| {
            if host.contains("://") {
                host
            } else {
                format!("http://{host}")
            }
        }),
        credentials,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str =
        r#"{"type": "service_account", "client_email": "a@b", "private_key": "hidden"}"#;

    fn with(settings: &[(&str, &str)]) -> Result<GcsAccess, String> {
        access(
            |name| {
                let setting = settings.iter().find(|(key, _)| *key == name);
                setting.map(|(_, value)| (*value).to_owned())
            },
            |path| match path {
                "/key.json" => Ok(KEY.to_owned()),
                "/adc.json" => Ok(r#"{"type": "authorized_user"}"#.to_owned()),
                _ => Err("not found".to_owned()),
            },
        )
    }

    #[test]
    fn exactly_one_is_named() {
        let access = with(&[(KEY_FILE, "/key.json"), (TOKEN, ""), (ENDPOINT, "a:1")]).unwrap();
        assert!(matches!(
            access.credentials,
            GcsCredentials::ServiceAccount(_)
        ));
        assert_eq!(access.endpoint.as_deref(), Some("http://a:1"));
        let access = with(&[(TOKEN, "hidden"), (ENDPOINT, "https://a")]).unwrap();
        assert!(matches!(access.credentials, GcsCredentials::AccessToken(_)));
        assert_eq!(access.endpoint.as_deref(), Some("https://a"));
        assert!(!format!("{access:?}").contains("hidden"));
        for (settings, says) in [
            (vec![], "nobody is named"),
            (vec![(KEY_FILE, "")], "nobody is named"),
            (
                vec![(KEY_FILE, "/key.json"), (TOKEN, "t")],
                "unset the other",
            ),
            (vec![(KEY_FILE, "/none.json")], "not found"),
            (vec![(KEY_FILE, "/adc.json")], "authorized_user"),
        ] {
            let error = with(&settings).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
