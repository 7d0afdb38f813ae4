use std::error::Error as _;
use std::io;

use ini::{Ini, Properties};
use reqsign_core::{Context, Error, Result};

/// Ways to credentials that do not work here. Passed over, somebody else than was meant would be used.
const UNSUPPORTED: [&str; 5] = [
    "role_arn",
    "sso_session",
    "credential_process",
    "login_session",
    "web_identity_token_file",
];
/// What there is in a profile that has credentials at all.
const WAYS: [&str; 4] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "sso_start_url",
    "sso_account_id",
];

/// The profile whose credentials count if the environment has none.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    /// It was asked for by name, or says how to come to credentials.
    pub(super) is_set_up: bool,
}

/// Fails if the profile has its credentials in a way that does not work here, or if it cannot be known whether it has.
pub(super) async fn read(context: &Context) -> Result<Profile> {
    let named = named(context)?;
    let mut profile = Profile {
        is_set_up: named.is_some(),
        name: named.unwrap_or_else(|| "default".to_owned()),
    };
    for (variable, place, is_configuration) in [
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", false),
        ("AWS_CONFIG_FILE", "~/.aws/config", true),
    ] {
        let Some((path, file)) = file(context, variable, place).await? else {
            continue;
        };
        for properties in sections(&file, &profile.name, is_configuration) {
            // As the AWS command line reads them, in any case.
            let has = |way: &&str| {
                properties
                    .iter()
                    .any(|(key, _)| key.eq_ignore_ascii_case(way))
            };
            if let Some(way) = UNSUPPORTED.iter().find(|way| has(way)) {
                return Err(Error::config_invalid(format!(
                    "the profile {} in {path} has {way}, which does not work here; put what \
                     `aws configure export-credentials --format env` prints into the environment",
                    profile.name
                )));
            }
            profile.is_set_up |= WAYS.iter().any(has);
        }
    }
    Ok(profile)
}

/// The profile that was asked for by name.
fn named(context: &Context) -> Result<Option<String>> {
    let variable = |name| context.env_var(name).filter(|value| !value.is_empty());
    match (variable("AWS_PROFILE"), variable("AWS_DEFAULT_PROFILE")) {
        (Some(one), Some(other)) if one != other => Err(Error::config_invalid(format!(
            "AWS_PROFILE is {one} and AWS_DEFAULT_PROFILE is {other}; unset one of them"
        ))),
        (one, other) => Ok(one.or(other)),
    }
}

/// None if there is no file at the usual place.
async fn file(context: &Context, variable: &str, place: &str) -> Result<Option<(String, Ini)>> {
    let named = context.env_var(variable);
    let Some(path) = context.expand_home_dir(named.as_deref().unwrap_or(place)) else {
        return Ok(None);
    };
    let text = match context.file_read_as_string(&path).await {
        Ok(text) => text,
        Err(error) if named.is_none() && is_missing(&error) => return Ok(None),
        Err(error) => {
            let why = error.source().map(ToString::to_string);
            let why = why.unwrap_or_else(|| error.to_string());
            return Err(Error::config_invalid(format!(
                "cannot read {path} ({why}); correct it, or {variable}"
            )));
        }
    };
    // Without what was found there, which may be a secret.
    let unreadable =
        |_| Error::config_invalid(format!("{path} is no file of profiles; correct it"));
    Ini::load_from_str(&text)
        .map(|file| Some((path.clone(), file)))
        .map_err(unreadable)
}

fn is_missing(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::NotFound;
        }
        source = error.source();
    }
    false
}

/// All that the file says of the profile: a section may come twice, and the configuration has two names for the default.
fn sections<'file>(
    file: &'file Ini,
    profile: &'file str,
    is_configuration: bool,
) -> impl Iterator<Item = &'file Properties> {
    file.iter().filter_map(move |(section, properties)| {
        let mut words = section?.split_whitespace();
        let first = words.next()?;
        let name = match words.next() {
            None if !is_configuration || profile == "default" => first,
            Some(name) if is_configuration && first == "profile" => name.trim_matches(['"', '\'']),
            _ => return None,
        };
        (name == profile).then_some(properties)
    })
}
