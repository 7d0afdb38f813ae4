use opendal::{Error, ErrorKind, Result};
use reqwest::Url;

/// Whether this is the address of a server, and nothing else is hidden in it.
pub(super) fn is_of_a_server(address: &str) -> bool {
    let host = Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    host && !address.contains(['@', '?', '#', '\\']) && !address.contains(char::is_whitespace)
}

pub(super) fn host(address: &str) -> Option<String> {
    Some(Url::parse(address).ok()?.host_str()?.to_owned())
}

/// Whether nobody on the way sees what is sent there.
pub(super) fn is_private(address: &str) -> bool {
    address.starts_with("https:") || host(address).is_some_and(|host| is_here(&host))
}

/// Whether the host is this machine.
pub(super) fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// The only places that are asked, where answers name addresses at which the client would go on: whoever answers must not
/// choose whom this machine calls.
#[derive(Debug, Clone)]
pub(super) struct Home(Vec<Url>);

impl Home {
    /// None if one of these is no address of a server without a path.
    pub(super) fn of(places: &[&str]) -> Option<Self> {
        let place = |text: &&str| {
            let url = Url::parse(text).ok().filter(|_| is_of_a_server(text))?;
            (url.path() == "/").then_some(url)
        };
        places.iter().map(place).collect::<Option<_>>().map(Self)
    }

    pub(super) fn check(&self, asked: &http::Uri) -> Result<()> {
        let asked = Url::parse(&asked.to_string()).map(|url| url.origin());
        if let Ok(asked) = &asked
            && self.0.iter().any(|place| place.origin() == *asked)
        {
            return Ok(());
        }
        let elsewhere =
            asked.map_or_else(|_| "nowhere".to_owned(), |url| url.ascii_serialization());
        let text = format!("the store sends us on to {elsewhere}, which is not followed");
        Err(Error::new(ErrorKind::Unexpected, text))
    }
}
