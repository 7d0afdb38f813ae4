//! As whom the command line reaches Azure Storage: by the key, the signature or the application that the environment names,
//! and as nobody else. What the command line of Azure finds besides, on this machine or asking its metadata server, does
//! not count.

use std::env;

use storage::{AzureAccess, AzureAccount, AzureIdentity};

use super::UsageError;

const ACCOUNT: &str = "AZURE_STORAGE_ACCOUNT_NAME";
const KEY: &str = "AZURE_STORAGE_ACCOUNT_KEY";
const SIGNATURE: &str = "AZURE_STORAGE_SAS_TOKEN";
const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";
/// Of another cloud, or of an emulator.
const ENDPOINT: &str = "AZURE_STORAGE_SERVICE_ENDPOINT";
/// What the command line of Azure calls two of them.
const OTHER_NAMES: [(&str, &str); 2] = [
    (ACCOUNT, "AZURE_STORAGE_ACCOUNT"),
    (KEY, "AZURE_STORAGE_KEY"),
];

pub(super) fn account() -> anyhow::Result<AzureAccount> {
    let access = access(|name| env::var(name).ok()).map_err(UsageError)?;
    Ok(AzureAccount::new(access))
}

fn access(variable: impl Fn(&str) -> Option<String>) -> Result<AzureAccess, String> {
    let mut settings = Settings::of(&variable)?;
    if let Some(text) = set(&variable, CONNECTION) {
        settings.connect(&text)?;
    }
    let named = AzureIdentity::named(|name| settings.get(name).map(str::to_owned));
    let identity = named.map_err(|why| format!("the environment {why}"))?;
    let identity = identity.ok_or_else(|| {
        format!(
            "nobody is named as whom to reach abfss://; set {ACCOUNT} and {KEY} (or {SIGNATURE}), or {CONNECTION}"
        )
    })?;
    let account = settings.get(ACCOUNT).unwrap_or_default();
    let endpoint = settings.get(ENDPOINT);
    Ok(AzureAccess {
        endpoint: endpoint.map(|endpoint| without_account(endpoint, account)),
        identity,
    })
}

fn set(variable: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// What is set, by the names that this program gives it.
struct Settings(Vec<(&'static str, String)>);

impl Settings {
    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let names = AzureIdentity::SETTINGS.into_iter().chain([ENDPOINT]);
        let mut settings: Vec<_> = names
            .filter_map(|name| Some((name, set(&variable, name)?)))
            .collect();
        for (name, other) in OTHER_NAMES {
            let Some(value) = set(&variable, other) else {
                continue;
            };
            match settings.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known != value => {
                    return Err(format!(
                        "{name} and {other} are both set, to different values; unset one of them"
                    ));
                }
                Some(_) => {}
                None => settings.push((name, value)),
            }
        }
        Ok(Self(settings))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Adds what a connection string says: `AccountName=…;AccountKey=…;EndpointSuffix=…`.
    fn connect(&mut self, text: &str) -> Result<(), String> {
        let parts: Vec<(&str, &str)> = text
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
            .collect();
        let part = |name: &str| {
            let found = parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| (*value).to_owned())
        };
        if part("UseDevelopmentStorage").is_some() {
            return Err(format!(
                "{CONNECTION} has UseDevelopmentStorage; write the account, the key and the endpoint of the emulator instead"
            ));
        }
        for (name, value) in [
            (ACCOUNT, part("AccountName")),
            (KEY, part("AccountKey")),
            (SIGNATURE, part("SharedAccessSignature")),
        ] {
            match (value, self.get(name)) {
                (Some(value), Some(known)) if value != known => {
                    return Err(format!(
                        "{CONNECTION} and {name} are both set, and say different things; unset one of them"
                    ));
                }
                (Some(value), None) => self.0.push((name, value)),
                (Some(_) | None, _) => {}
            }
        }
        let endpoint = part("BlobEndpoint").or_else(|| {
            let (account, suffix) = (part("AccountName")?, part("EndpointSuffix")?);
            let scheme = part("DefaultEndpointsProtocol");
            let scheme = scheme.as_deref().unwrap_or("https");
            Some(format!("{scheme}://{account}.blob.{suffix}"))
        });
        if let (Some(endpoint), None) = (endpoint, self.get(ENDPOINT)) {
            if self.get(ACCOUNT).is_none()
                && let Some(account) = first_of_host(&endpoint)
            {
                self.0.push((ACCOUNT, account.to_owned()));
            }
            self.0.push((ENDPOINT, endpoint));
        }
        Ok(())
    }
}

/// Strings with a signature name the account only so.
fn first_of_host(endpoint: &str) -> Option<&str> {
    let (_, host) = endpoint.split_once("://")?;
    Some(host.split_once(".blob.")?.0)
}

/// Emulators take the account for the first part of the path, and their addresses are often written with it.
fn without_account(endpoint: &str, account: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    let place = endpoint.strip_suffix(account);
    let place = place.and_then(|place| place.strip_suffix('/'));
    // The account as the whole host is none.
    let place = place.filter(|place| !place.ends_with('/'));
    place.unwrap_or(endpoint).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use storage::Buckets;

    fn with(settings: &[(&str, &str)]) -> Result<AzureAccess, String> {
        access(|name| {
            let setting = settings.iter().find(|(key, _)| *key == name);
            setting.map(|(_, value)| (*value).to_owned())
        })
    }

    const A_KEY: &str = "cHJpbnRlZA==";

    fn reaches(access: AzureAccess, container: &str) -> bool {
        AzureAccount::new(access).look_into(container).is_some()
    }

    #[test]
    fn one_account_is_named_in_any_of_the_usual_ways() {
        let home = "state@one1.dfs.core.windows.net";
        for settings in [
            vec![(ACCOUNT, "one1"), (KEY, A_KEY)],
            vec![
                ("AZURE_STORAGE_ACCOUNT", "one1"),
                ("AZURE_STORAGE_KEY", A_KEY),
            ],
            vec![
                (ACCOUNT, "one1"),
                ("AZURE_STORAGE_ACCOUNT", "one1"),
                (KEY, A_KEY),
            ],
            vec![
                (ACCOUNT, "one1"),
                (SIGNATURE, "?sv=1&sig=cHJpbnRlZA"),
                (KEY, ""),
            ],
            vec![
                (ACCOUNT, "one1"),
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_CLIENT_SECRET", A_KEY),
            ],
            vec![(
                CONNECTION,
                "DefaultEndpointsProtocol=https;AccountName=one1;AccountKey=cHJpbnRlZA==;EndpointSuffix=core.windows.net",
            )],
            vec![(
                CONNECTION,
                "BlobEndpoint=https://one1.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=cHJpbnRlZA",
            )],
        ] {
            let access = with(&settings).unwrap();
            assert!(!format!("{access:?}").contains("cHJpbnRlZA"), "{access:?}");
            assert!(reaches(access.clone(), home), "{settings:?}");
            assert!(!reaches(access, "state@two2.dfs.core.windows.net"));
        }
    }

    #[test]
    fn the_endpoint_may_be_written_with_the_account() {
        let one = [(ACCOUNT, "one1"), (KEY, A_KEY)];
        for (endpoint, expected) in [
            ("http://127.0.0.1:10000/one1", "http://127.0.0.1:10000"),
            ("http://127.0.0.1:10000/one1/", "http://127.0.0.1:10000"),
            ("http://127.0.0.1:10000", "http://127.0.0.1:10000"),
            (
                "https://one1.blob.core.chinacloudapi.cn/",
                "https://one1.blob.core.chinacloudapi.cn",
            ),
            ("https://one1", "https://one1"),
        ] {
            let access = with(&[one[0], one[1], (ENDPOINT, endpoint)]).unwrap();
            assert_eq!(access.endpoint.as_deref(), Some(expected));
        }
        let emulator =
            "AccountName=one1;AccountKey=cHJpbnRlZA==;BlobEndpoint=http://127.0.0.1:1/one1";
        let access = with(&[(CONNECTION, emulator)]).unwrap();
        assert_eq!(access.endpoint.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn what_is_unusable_is_refused_and_never_passed_over() {
        let one = (ACCOUNT, "one1");
        for (settings, says) in [
            (vec![], "nobody is named"),
            (
                vec![(KEY, A_KEY)],
                "needs a value of AZURE_STORAGE_ACCOUNT_NAME",
            ),
            (vec![one], "needs a value of AZURE_STORAGE_ACCOUNT_KEY"),
            (vec![one, (KEY, "no key!")], "base64"),
            (
                vec![one, (KEY, A_KEY), (SIGNATURE, "sig=x")],
                "remove the other",
            ),
            (
                vec![one, (KEY, A_KEY), ("AZURE_CLIENT_ID", "c")],
                "remove the other",
            ),
            (
                vec![one, ("AZURE_STORAGE_ACCOUNT", "two2"), (KEY, A_KEY)],
                "unset one",
            ),
            (
                vec![
                    one,
                    (CONNECTION, "AccountName=two2;AccountKey=cHJpbnRlZA=="),
                ],
                "unset one",
            ),
            (
                vec![
                    one,
                    (KEY, A_KEY),
                    (CONNECTION, "SharedAccessSignature=sig=cHJpbnRlZA"),
                ],
                "remove the other",
            ),
            (
                vec![(CONNECTION, "UseDevelopmentStorage=true")],
                "UseDevelopmentStorage",
            ),
            (vec![(CONNECTION, "nonsense")], "nobody is named"),
        ] {
            let error = with(&settings).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("cHJpbnRlZA"), "{error}");
        }
    }
}
