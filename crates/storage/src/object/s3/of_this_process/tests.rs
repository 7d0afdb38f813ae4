#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

use std::io;

use reqsign_core::{FileRead, StaticEnv};

use super::*;

/// A home with this configuration. The container's role is set up, and nobody answers there.
#[derive(Debug)]
struct Home(&'static str);

impl FileRead for Home {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        let kind = match path {
            "/home/ops/.aws/config" => return Ok(self.0.as_bytes().to_vec()),
            "/forbidden/credentials" => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::NotFound,
        };
        // As the client's own does.
        Err(Error::unexpected("failed to read file").with_source(io::Error::from(kind)))
    }
}

async fn found(
    config: &'static str,
    settings: &[(&str, &str)],
) -> std::result::Result<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let settings = settings.iter().chain(&[
        ("AWS_EC2_METADATA_DISABLED", "true"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://127.0.0.1:1/role",
        ),
    ]);
    let context = Context::new()
        .with_file_read(Home(config))
        .with_env(StaticEnv {
            home_dir: Some("/home/ops".into()),
            envs: settings.map(owned).collect(),
        });
    match search(&context).await {
        Ok(found) => Ok(found.unwrap().access_key_id),
        Err(why) => Err(why.to_string()),
    }
}

const CONFIG: &str = "[profile keys]\naws_access_key_id = K\naws_secret_access_key = S\n\
    [profile role]\nrole_arn = arn\nsource_profile = keys\n\
    [profile process]\ncredential_process = /bin/true\n\
    [profile session]\nSSO_Session = corp\n\
    [profile login]\nlogin_session = arn\n\
    [profile half]\naws_access_key_id = K\n";

/// Where nothing else is set up, the role of the container is asked.
const ROLE_OF_THE_CONTAINER: &str = "failed to fetch ECS";

#[tokio::test]
async fn a_profile_that_does_not_work_is_not_passed_over() {
    let profile = async |name| found(CONFIG, &[("AWS_PROFILE", name)]).await;
    assert_eq!(profile("keys").await.unwrap(), "K");
    for (name, says) in [
        ("role", "has role_arn"),
        ("process", "has credential_process"),
        ("session", "has sso_session"),
        ("login", "has login_session"),
        ("half", "the profile half has no credentials"),
        ("tpyo", "the profile tpyo has no credentials"),
    ] {
        let error = profile(name).await.unwrap_err();
        assert!(error.contains(says) && error.contains(name), "{error}");
    }
    let role = found("", &[]).await.unwrap_err();
    assert!(role.contains(ROLE_OF_THE_CONTAINER), "{role}");
    let region_only = found("[default]\nregion = eu-west-1\n", &[]).await;
    assert!(region_only.unwrap_err().contains(ROLE_OF_THE_CONTAINER));
}

#[tokio::test]
async fn nor_is_the_default_one() {
    for (config, says) in [
        ("[default]\nrole_arn = arn\n", "has role_arn"),
        ("[profile default]\nrole_arn = arn\n", "has role_arn"),
        (
            "[default]\nregion = a\n[default]\nrole_arn = arn\n",
            "has role_arn",
        ),
        (
            "[profile default]\naws_access_key_id = K\naws_secret_access_key = S\n",
            "the profile default has no credentials that work",
        ),
        ("[default\n", "is no file of profiles"),
        (
            "[default]\nsso_start_url = https://corp\n",
            "the profile default has no credentials that work",
        ),
        (
            "[default]\nsso_start_url = https://corp\nsso_region = a\nsso_account_id = 1\nsso_role_name = r\n",
            "aws sso login",
        ),
    ] {
        let error = found(config, &[]).await.unwrap_err();
        assert!(error.contains(says), "{config}: {error}");
    }
}

#[tokio::test]
async fn half_of_a_setting_is_not_passed_over() {
    for (settings, says) in [
        (vec![("AWS_ACCESS_KEY_ID", "K")], "only one of"),
        (
            vec![("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "S")],
            "only one of",
        ),
        (
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")],
            "without AWS_ROLE_ARN",
        ),
        (
            vec![
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
                ("AWS_ROLE_ARN", "arn"),
            ],
            "failed to read web identity token",
        ),
        (
            vec![("AWS_PROFILE", "keys"), ("AWS_DEFAULT_PROFILE", "other")],
            "unset one of them",
        ),
        (
            vec![("AWS_DEFAULT_PROFILE", "tpyo")],
            "the profile tpyo has no credentials",
        ),
        (
            vec![("AWS_CONFIG_FILE", "/nowhere")],
            "cannot read /nowhere (entity not found)",
        ),
        (
            vec![("AWS_SHARED_CREDENTIALS_FILE", "/forbidden/credentials")],
            "cannot read /forbidden/credentials (permission denied)",
        ),
    ] {
        let error = found(CONFIG, &settings).await.unwrap_err();
        assert!(error.contains(says), "{settings:?}: {error}");
    }
    let empty = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_PROFILE", ""),
        ("AWS_DEFAULT_PROFILE", "keys"),
    ];
    assert_eq!(found(CONFIG, &empty).await.unwrap(), "K");
}
