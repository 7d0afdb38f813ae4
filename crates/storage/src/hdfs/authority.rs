use std::fmt;
use std::str::FromStr;

/// A `NameNode` (`host:port`, or `host` where it is at its usual port), or a nameservice of the configuration: what stands
/// between `hdfs://` and the path. Nothing else that a URL can have there, because the client would know it by one name and
/// its settings by another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HdfsAuthority {
    host: String,
    port: Option<u16>,
}

/// A text that is no [`HdfsAuthority`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no NameNode and no nameservice; write <host>:<port>, or its name, of letters, digits, '.', '-' and '_'"
)]
pub struct NoAuthority(String);

impl HdfsAuthority {
    /// As the client and its settings know it.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The same host at a port, where none is said.
    pub(super) fn at(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port: Some(port),
        }
    }
}

impl FromStr for HdfsAuthority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let wrong = || NoAuthority(text.to_owned());
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || !host.bytes().all(is_name) {
            return Err(wrong());
        }
        let port = match port {
            None => None,
            // One number has one spelling.
            Some(digits)
                if digits.starts_with(|first: char| first.is_ascii_digit() && first != '0') =>
            {
                Some(digits.parse().map_err(|_| wrong())?)
            }
            Some(_) => return Err(wrong()),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for HdfsAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_and_a_port_and_nothing_else() {
        for text in ["nn:8020", "NameService1", "10.0.0.1:9000", "nn_1.example"] {
            let authority: HdfsAuthority = text.parse().unwrap();
            assert_eq!(authority.to_string(), text);
        }
        // The settings of `ns` would not be those of the client.
        for text in [
            "",
            "flink@ns",
            "flink@ns:8020",
            "ns?",
            "ns#",
            "ns?x=y",
            "n%73",
            "n s",
            "ns:",
            "ns:0",
            "ns:08020",
            "ns:+1",
            "ns:99999",
            "ns:1:2",
            ":8020",
            "[::1]:8020",
            "é",
        ] {
            text.parse::<HdfsAuthority>().unwrap_err();
        }
    }
}
