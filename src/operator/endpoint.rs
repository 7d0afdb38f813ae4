//! The address of an object store, so that two spellings of one address are one.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// `https://minio.storage:9000`: scheme, host and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    scheme: String,
    host: String,
    port: u16,
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no endpoint; write scheme, host and port only, such as https://minio.storage:9000"
)]
pub struct InvalidEndpoint(String);

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        // Before an `@` there may be a password.
        let shown = text.rsplit('@').next().unwrap_or_default();
        let invalid = || InvalidEndpoint(shown.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        // Who we are is said elsewhere; and what looks like a host may be a password.
        let plain = !authority.as_str().contains('@')
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
            && !text.contains('#');
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let default = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return Err(invalid()),
        };
        let port = authority.as_str().strip_prefix(authority.host());
        let port_is_one = port == Some("") || authority.port_u16().is_some();
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if !plain || host.is_empty() || !port_is_one {
            return Err(invalid());
        }
        Ok(Self {
            scheme,
            host,
            port: authority.port_u16().unwrap_or(default),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        write!(f, "{scheme}://{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let of = |text: &str| text.parse::<Endpoint>().unwrap();
        assert_eq!(
            of("https://MinIO.storage/"),
            of("HTTPS://minio.storage:443")
        );
        assert_eq!(of("http://minio"), of("http://minio.:80"));
        assert_ne!(of("http://minio"), of("https://minio"));
        assert_eq!(of("https://[::1]:9000").to_string(), "https://[::1]:9000");
    }

    #[test]
    fn what_has_more_or_less_than_an_address_is_none() {
        for text in [
            "",
            "minio",
            "minio:9000",
            "/path",
            "ftp://minio",
            "https://",
            "https://:9000",
            "https://user@minio",
            "https://minio/bucket",
            "https://minio/?x=y",
            "https://minio#x",
            "https://minio:99999",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        let error = "https://me:password@minio".parse::<Endpoint>().unwrap_err();
        assert!(!error.to_string().contains("password"), "{error}");
    }
}
