//! As whom the command line reaches S3: much as the AWS command line in the same shell.

use std::env;

use storage::{S3Access, S3Account, S3Credentials};

/// The settings of the environment; the credentials are looked for when they are needed.
pub(super) fn account() -> S3Account {
    S3Account::new(access(|name| env::var(name).ok()))
}

fn access(variable: impl Fn(&str) -> Option<String>) -> S3Access {
    let first = |names: [&str; 2]| {
        let mut values = names.into_iter().filter_map(&variable);
        values.find(|value| !value.is_empty())
    };
    S3Access {
        endpoint: first(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
        region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]),
        virtual_host_style: false,
        credentials: S3Credentials::OfThisProcess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_variable_counts_and_an_empty_one_is_none() {
        let access = access(|name| match name {
            "AWS_ENDPOINT_URL_S3" => Some(String::new()),
            "AWS_ENDPOINT_URL" => Some("http://localhost:9000".to_owned()),
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_DEFAULT_REGION" => Some("us-west-2".to_owned()),
            _ => None,
        });
        assert_eq!(access.endpoint.as_deref(), Some("http://localhost:9000"));
        assert_eq!(access.region.as_deref(), Some("eu-central-1"));
    }
}
