use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Error, random};

/// Who may call the API server, each by a token of its own.
#[derive(Debug)]
pub(super) struct Identities {
    admin: Identity,
    service_accounts: Vec<(ServiceAccount, Identity)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceAccount {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug)]
pub(super) struct Identity {
    /// As RBAC sees it.
    user: String,
    groups: Vec<String>,
    pub token: String,
    /// Of the kubeconfig, without extension.
    file_name: String,
}

impl Identities {
    pub(super) fn new(service_accounts: Vec<ServiceAccount>) -> Result<Self, Error> {
        let admin = Identity {
            user: "admin".to_owned(),
            groups: vec!["system:masters".to_owned()],
            token: token()?,
            file_name: "admin".to_owned(),
        };
        let service_accounts = service_accounts
            .into_iter()
            .map(|account| Ok((account.clone(), Identity::of(&account)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            admin,
            service_accounts,
        })
    }

    pub(super) fn admin(&self) -> &Identity {
        &self.admin
    }

    pub(super) fn service_account(&self, namespace: &str, name: &str) -> Result<&Identity, Error> {
        self.service_accounts
            .iter()
            .find(|(account, _)| account.namespace == namespace && account.name == name)
            .map(|(_, identity)| identity)
            .ok_or_else(|| Error::UnknownServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Identity> {
        [&self.admin]
            .into_iter()
            .chain(self.service_accounts.iter().map(|(_, identity)| identity))
    }

    /// The file for `--token-auth-file`: token, user, uid, groups.
    pub(super) fn token_file(&self) -> String {
        self.all().fold(
            String::new(),
            |mut file,
             Identity {
                 user,
                 groups,
                 token,
                 file_name: _,
             }| {
                let _ = writeln!(file, "{token},{user},{user},\"{}\"", groups.join(","));
                file
            },
        )
    }
}

impl Identity {
    fn of(ServiceAccount { namespace, name }: &ServiceAccount) -> Result<Self, Error> {
        Ok(Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ],
            token: token()?,
            file_name: format!("{namespace}.{name}"),
        })
    }

    pub(super) fn kubeconfig(&self, root: &Path) -> PathBuf {
        root.join("kubeconfigs")
            .join(format!("{}.yaml", self.file_name))
    }
}

fn token() -> Result<String, Error> {
    Ok(format!("{:032x}", u128::from_be_bytes(random::bytes()?)))
}
