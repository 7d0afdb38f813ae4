#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use reqsign_core::{HttpSend, StaticEnv};

use super::*;

fn identity(credentials: &[(&str, &str)]) -> AzureIdentity {
    let named = AzureIdentity::named(|name| {
        if name == "AZURE_STORAGE_ACCOUNT_NAME" {
            return Some("state1".to_owned());
        }
        let found = credentials.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    named.unwrap().unwrap()
}

/// Who gives out tokens: answers in this order, and what was asked.
#[derive(Debug, Clone)]
struct Tokens {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpSend for Tokens {
    async fn http_send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let asked = format!("{} {}", request.method(), request.uri());
        self.asked.lock().unwrap().push(asked);
        let (status, body) = self.answers.lock().unwrap().remove(0);
        let answer = Response::builder().status(status);
        Ok(answer.body(body.into()).unwrap())
    }
}

/// What comes of exchanging a secret, what is known of it then, and how often it was tried. The environment is that of
/// somebody who would send it elsewhere.
async fn exchanged(
    answers: &[(u16, &'static str)],
) -> (Result<Option<Credential>>, LastSearch, usize) {
    let identity = identity(&[
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "hidden"),
    ]);
    let tokens = Tokens {
        answers: Arc::new(Mutex::new(answers.to_vec())),
        asked: Arc::default(),
    };
    let search = LastSearch::default();
    let exactly = Exactly {
        identity,
        authority: "https://login.microsoftonline.com",
        search: search.clone(),
    };
    assert!(!format!("{exactly:?}").contains("hidden"), "{exactly:?}");
    let environment = [
        ("AZURE_AUTHORITY_HOST", "https://evil.example"),
        ("AZURE_TENANT_ID", "operator"),
    ];
    let context = Context::new()
        .with_http_send(tokens.clone())
        .with_env(StaticEnv {
            home_dir: None,
            envs: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        });
    let found = exactly.provide_credential(&context).await;
    let asked = tokens.asked.lock().unwrap();
    let microsoft = "POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token";
    assert!(asked.iter().all(|asked| asked == microsoft), "{asked:?}");
    (found, search, asked.len())
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_exchanged_for_a_token_that_no_message_shows() {
    let token = (
        200,
        r#"{"access_token": "printed-never", "expires_in": 3600}"#,
    );
    let (found, search, times) = exchanged(&[(503, ""), (429, ""), token]).await;
    let Credential::BearerToken { token, expires_in } = found.unwrap().unwrap() else {
        unreachable!("a secret is exchanged for a token");
    };
    assert_eq!((token.as_str(), times), ("printed-never", 3));
    assert!(expires_in.is_some());
    let outcome = search.outcome();
    assert!(outcome.why_none.is_none());
    assert!(outcome.secrets == [Secret::new("printed-never".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_refused_is_told_from_an_outage() {
    let (found, search, times) = exchanged(&[(401, r#"{"error": "invalid_client"}"#)]).await;
    found.expect_err("it is refused");
    let why = search.outcome().why_none.unwrap();
    assert!(!why.is_momentary, "{why:?}");
    assert_eq!(times, 1);
    let (found, search, times) = exchanged(&[(503, ""); 6]).await;
    found.expect_err("nobody answers");
    assert!(search.outcome().why_none.unwrap().is_momentary);
    assert_eq!(times, 6);
}

/// The client writes it into addresses, and those into messages.
#[test]
fn the_signature_is_hidden_in_whole_and_in_part() {
    let token = "sv=2022-11-02&sig=abc%2Fdef%3D&sr=c";
    let secrets = identity(&[("AZURE_STORAGE_SAS_TOKEN", token)]).secrets();
    let hidden: Vec<_> = secrets.iter().map(Secret::reveal).collect();
    assert_eq!(hidden, [token, "abc%2Fdef%3D"]);
}
