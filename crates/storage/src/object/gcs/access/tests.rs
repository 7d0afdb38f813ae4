#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use reqsign_core::HttpSend;
use serde_json::json;

use super::*;

#[test]
fn only_the_key_of_a_service_account_is_one() {
    let key = r#"{"type": "service_account", "client_email": "a@b", "private_key": "hidden", "token_uri": "x"}"#;
    let parsed = ServiceAccountKey::parse(key).unwrap();
    assert!(!format!("{parsed:?}").contains("hidden"), "{parsed:?}");
    // A file of the operator's, and somebody of the tenant's choice to whom it would be sent.
    let foreign = r#"{"type": "external_account", "token_url": "https://evil.example",
        "credential_source": {"file": "/var/run/secrets/kubernetes.io/serviceaccount/token"}}"#;
    for (text, says) in [
        (foreign, "external_account"),
        (r#"{"type": "authorized_user"}"#, "authorized_user"),
        (
            r#"{"type": "impersonated_service_account"}"#,
            "only `service_account`",
        ),
        (r#"{"type": "service_account"}"#, "no client_email"),
        (
            r#"{"type": "service_account", "client_email": "a@b", "private_key": ""}"#,
            "no private_key",
        ),
        (
            r#"{"type": "service_account", "client_email": "a@b", "private_key": "hidden", "universe_domain": "s3ns.fr"}"#,
            "universe domain",
        ),
        ("{}", "no JSON"),
        ("hidden", "no JSON"),
        ("", "no JSON"),
    ] {
        let error = ServiceAccountKey::parse(text).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hidden"), "{error}");
    }
}

/// Nobody's.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBALju2yTxj89od94c\n\
    VfwrYw2qR3quttKbIK/vwolClNhFDqq7t7nmWN/bCgRRkeP4KSG1Wa7vyTHdXJkl\n\
    /6kdJFAxClWVcPASCIm8dKBHvU7xcbLBLoJUcPqJU057R8oUJfmcaxbjP9Mw7cNl\n\
    uXgJuNHj4dL6e02npI4D8mzAsRUhAgMBAAECgYB23mkT9QU4DvFFXjdSsFyp8vKh\n\
    A95Vvwqiq90CNz7PSIwl6CUvI8WqlfN5VSkOPHvLw/KShGRxXdTgR9FuVWH55LLW\n\
    U2xZjFQ7fg0I2Z0T203MPruFunpc8dD/dQvhp27c8hX81pkzA6lTnLI6KHoG4w31\n\
    Z/Hnzz1yUI8ziVPU8QJBAO6jERdaRxwUPExvc8xvClkBMBNdcoTBKTPvy98mMUYE\n\
    h+uVGVVmlZFaEpmpV4z1uiK766xV15d3ZMYexnuGyGUCQQDGY3s4xkWI0OqULqBp\n\
    WrFfyMipBGFowF6KiKPSPXl/+CEbqRSskYCWnG2KiLd52ZmwhyphHgfDEvP7N9GP\n\
    gsgNAkB62UORLA5zbA9mofGRCpDfJPdk4LR1lyLo88eWRwkSrH50TrtN9ZOF0kLF\n\
    DCJgFJgQDYHTpBVqijI8s9cl/ErpAkAYoPEDM1oeihEVJFS1v5SVl4+RrAGLx5X1\n\
    DNGJoCgdQuiZTnxKkCWujOzsbdyZO/Jgf+c690dvaELxxRQ3BL1hAkB8jaXxwAUa\n\
    jcQLv9QZTfv8wq7cFCNuT4kBzlmuGyi4LszBTJlCIyyiJNsSsM6Ck8Xrlk0WMZDr\n\
    qx/L+TM4fyZq\n\
    -----END PRIVATE KEY-----";

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

/// What comes of exchanging a key, what is known of it then, and how often it was tried.
async fn exchanged(
    answers: &[(u16, &'static str)],
) -> (Result<Option<Credential>>, LastSearch, usize) {
    let key = json!({
        "type": "service_account", "client_email": "a@b", "private_key": PRIVATE_KEY,
        "token_uri": "https://evil.example",
    });
    let key = ServiceAccountKey::parse(&key.to_string()).unwrap();
    let tokens = Tokens {
        answers: Arc::new(Mutex::new(answers.to_vec())),
        asked: Arc::default(),
    };
    let search = LastSearch::default();
    let exactly = Exactly {
        credentials: GcsCredentials::ServiceAccount(key),
        search: search.clone(),
    };
    let context = Context::new().with_http_send(tokens.clone());
    let found = exactly.provide_credential(&context).await;
    let asked = tokens.asked.lock().unwrap();
    let google = "POST https://oauth2.googleapis.com/token";
    assert!(asked.iter().all(|asked| asked == google), "{asked:?}");
    (found, search, asked.len())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_exchanged_for_a_token_that_no_message_shows() {
    let token = (
        200,
        r#"{"access_token": "printed-never", "expires_in": 3600}"#,
    );
    let (found, search, times) = exchanged(&[(503, ""), token]).await;
    let token = found.unwrap().unwrap().token.unwrap();
    assert_eq!((token.access_token.as_str(), times), ("printed-never", 2));
    assert!(token.expires_at.is_some());
    let outcome = search.outcome();
    assert!(outcome.why_none.is_none());
    assert!(outcome.secrets == [Secret::new("printed-never".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_is_told_from_an_outage() {
    let refused = (400, r#"{"error": "invalid_grant"}"#);
    let (found, search, times) = exchanged(&[refused]).await;
    found.expect_err("it is refused");
    let why = search.outcome().why_none.unwrap();
    assert!(
        !why.is_momentary && why.text.contains("rejected"),
        "{why:?}"
    );
    assert_eq!(times, 1);
    let (found, search, times) = exchanged(&[(503, ""); 6]).await;
    found.expect_err("nobody answers");
    assert!(search.outcome().why_none.unwrap().is_momentary);
    assert_eq!(times, 6);
}
