use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::object::Secret;

/// As whom an account of Azure Storage is reached. There is no other way: the client's own search, which goes on to the
/// identity of the machine and to the command line of Azure, is replaced.
#[derive(Debug, Clone)]
pub struct AzureIdentity {
    account: String,
    credentials: Credentials,
}

#[derive(Debug, Clone)]
pub(super) enum Credentials {
    AccountKey(Secret),
    /// A shared access signature: parameters of a query.
    Signature(Secret),
    /// An application of Microsoft Entra, which is exchanged for a token.
    Application {
        tenant_id: String,
        client_id: String,
        client_secret: Secret,
    },
}

/// Why settings name nobody. The end of a sentence about who has them; shows nothing of their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAzureIdentity {
    #[error("needs a value of {0}")]
    Lacks(&'static str),
    #[error(
        "needs a value of {KEY}, of {SIGNATURE}, or of {CLIENT_ID}, {CLIENT_SECRET} and {TENANT_ID}"
    )]
    LacksCredentials,
    #[error("has {0} and {1}, and only one can count: remove the other")]
    Both(&'static str, &'static str),
    #[error(
        "has a value of {ACCOUNT} that is no name of an account, which has 3 to 24 lower-case letters and digits"
    )]
    Account,
    #[error("has a value of {KEY} that is no key of an account, which is written in base64")]
    Key,
    #[error(
        "has a value of {SIGNATURE} that is no shared access signature, such as `sv=…&sr=c&sp=rwdl&se=…&sig=…`"
    )]
    Signature,
    #[error(
        "has a value of {0} that is no identifier, which has letters, digits, dots and hyphens"
    )]
    Identifier(&'static str),
}

const ACCOUNT: &str = "AZURE_STORAGE_ACCOUNT_NAME";
const KEY: &str = "AZURE_STORAGE_ACCOUNT_KEY";
const SIGNATURE: &str = "AZURE_STORAGE_SAS_TOKEN";
const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const TENANT_ID: &str = "AZURE_TENANT_ID";

/// All parameters that a shared access signature can have. Any other would change what is asked for.
const OF_SIGNATURES: [&str; 29] = [
    "sv", "ss", "srt", "sr", "sp", "st", "se", "sip", "spr", "si", "sig", "ses", "sdd", "saoid",
    "suoid", "scid", "skoid", "sktid", "skt", "ske", "sks", "skv", "sduoid", "skdutid", "rscc",
    "rscd", "rsce", "rscl", "rsct",
];

impl AzureIdentity {
    /// The settings that name somebody, in an environment or a Secret.
    pub const SETTINGS: [&str; 6] = [ACCOUNT, KEY, SIGNATURE, CLIENT_ID, CLIENT_SECRET, TENANT_ID];

    /// Whom settings name; None where they name nothing of Azure. An empty value is none.
    pub fn named(
        setting: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Self>, NoAzureIdentity> {
        let value = |name| setting(name).filter(|value: &String| !value.is_empty());
        let key = value(KEY);
        let signature = value(SIGNATURE);
        let application = [value(TENANT_ID), value(CLIENT_ID), value(CLIENT_SECRET)];
        let is_application = application.iter().any(Option::is_some);
        let Some(account) = value(ACCOUNT) else {
            // Somebody who is reached elsewhere may be named beside.
            return if key.is_some() || signature.is_some() {
                Err(NoAzureIdentity::Lacks(ACCOUNT))
            } else {
                Ok(None)
            };
        };
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !(3..=24).contains(&account.len()) || !account.chars().all(is_name) {
            return Err(NoAzureIdentity::Account);
        }
        let credentials = match (key, signature, is_application) {
            (Some(key), None, false) => account_key(key)?,
            (None, Some(signature), false) => shared_access(&signature)?,
            (None, None, true) => of_application(application)?,
            (Some(_), Some(_), _) => return Err(NoAzureIdentity::Both(KEY, SIGNATURE)),
            (Some(_), None, true) => return Err(NoAzureIdentity::Both(KEY, CLIENT_ID)),
            (None, Some(_), true) => return Err(NoAzureIdentity::Both(SIGNATURE, CLIENT_ID)),
            (None, None, false) => return Err(NoAzureIdentity::LacksCredentials),
        };
        Ok(Some(Self {
            account,
            credentials,
        }))
    }

    /// The name of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

fn account_key(key: String) -> Result<Credentials, NoAzureIdentity> {
    match BASE64_STANDARD.decode(&key) {
        Ok(bytes) if !bytes.is_empty() => Ok(Credentials::AccountKey(Secret::new(key))),
        Ok(_) | Err(_) => Err(NoAzureIdentity::Key),
    }
}

/// Made a part of each address that is asked, so it must be nothing else.
fn shared_access(text: &str) -> Result<Credentials, NoAzureIdentity> {
    let text = text.strip_prefix('?').unwrap_or(text);
    let is_known = |pair: &str| {
        pair.split_once('=').is_some_and(|(name, value)| {
            OF_SIGNATURES.contains(&name) && value.chars().all(is_of_a_query)
        })
    };
    let is_signed = text
        .split('&')
        .any(|pair| pair.strip_prefix("sig=").is_some_and(|sig| !sig.is_empty()));
    if is_signed && text.split('&').all(is_known) {
        Ok(Credentials::Signature(Secret::new(text.to_owned())))
    } else {
        Err(NoAzureIdentity::Signature)
    }
}

fn is_of_a_query(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%:/+,=".contains(c)
}

fn of_application(parts: [Option<String>; 3]) -> Result<Credentials, NoAzureIdentity> {
    let [tenant_id, client_id, client_secret] = parts;
    let identifier = |value: Option<String>, name| {
        let value = value.ok_or(NoAzureIdentity::Lacks(name))?;
        let is_one = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        // The tenant becomes a part of an address.
        if value.chars().all(is_one) && !value.starts_with('.') {
            Ok(value)
        } else {
            Err(NoAzureIdentity::Identifier(name))
        }
    };
    Ok(Credentials::Application {
        tenant_id: identifier(tenant_id, TENANT_ID)?,
        client_id: identifier(client_id, CLIENT_ID)?,
        client_secret: Secret::new(client_secret.ok_or(NoAzureIdentity::Lacks(CLIENT_SECRET))?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    fn named(settings: &[(&str, &str)]) -> Result<Option<AzureIdentity>, NoAzureIdentity> {
        AzureIdentity::named(|name| {
            let found = settings.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn exactly_one_is_named_and_never_printed() {
        let account = (ACCOUNT, "state1");
        // "printed" in base64.
        let key = (KEY, "cHJpbnRlZA==");
        let signature = (
            SIGNATURE,
            "?sv=2022-11-02&sr=c&sp=rwdl&sig=cHJpbnRlZA%3D%3D",
        );
        let application = [
            (TENANT_ID, "8f3b-1"),
            (CLIENT_ID, "71aa-2"),
            (CLIENT_SECRET, "cHJpbnRlZA"),
        ];
        for credentials in [vec![key], vec![signature], application.to_vec()] {
            let settings = [vec![account], credentials].concat();
            let identity = named(&settings).unwrap().unwrap();
            assert_eq!(identity.account(), "state1");
            assert!(
                !format!("{identity:?}").contains("cHJpbnRlZA"),
                "{identity:?}"
            );
        }
        assert!(named(&[]).unwrap().is_none());
        assert!(named(&application).unwrap().is_none(), "of something else");
        for (settings, says) in [
            (vec![key], "needs a value of AZURE_STORAGE_ACCOUNT_NAME"),
            (
                vec![signature],
                "needs a value of AZURE_STORAGE_ACCOUNT_NAME",
            ),
            (vec![account], "of AZURE_STORAGE_SAS_TOKEN, or of"),
            (
                vec![account, (KEY, "")],
                "of AZURE_STORAGE_SAS_TOKEN, or of",
            ),
            (vec![account, key, signature], "remove the other"),
            (vec![account, key, application[1]], "remove the other"),
            (vec![account, signature, application[2]], "remove the other"),
            (vec![account, (KEY, "cHJpbnRlZA!")], "base64"),
            (vec![(ACCOUNT, "evil.example/"), key], "lower-case letters"),
            (vec![account, application[0], application[1]], CLIENT_SECRET),
            (vec![account, application[1], application[2]], TENANT_ID),
            (
                vec![account, (TENANT_ID, "../x"), application[1], application[2]],
                "identifier",
            ),
        ] {
            let error = named(&settings).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("cHJpbnRlZA"), "{error}");
        }
    }

    /// A tenant chooses it, and the client writes it behind the question.
    #[test]
    fn a_signature_cannot_change_the_question() {
        for text in [
            "sv=1",
            "sig=",
            "sig=x&prefix=other",
            "prefix=a&sig=x",
            "sig=x&marker=a",
            "sig=x&snapshot=2026",
            "sig=x#y",
            "sig=x y",
            "sig=x&",
            "cHJpbnRlZA",
        ] {
            let error = named(&[(ACCOUNT, "state1"), (SIGNATURE, text)]).unwrap_err();
            assert_eq!(error, NoAzureIdentity::Signature, "{text}");
        }
    }
}
