//! `java.net.URI` strings, as Flink's `Path.toString()` spells them.

/// Decodes a URI string into the spelling of paths in `_metadata`: percent-decoded, without an empty authority.
/// Says what is wrong with strings that no `Path` can have come from.
pub(super) fn to_path_string(uri: &str) -> Result<String, &'static str> {
    if uri.contains(['?', '#']) {
        return Err("a path's URI has a query or fragment");
    }
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => (Some(scheme), rest),
        _ => (None, uri),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or((rest, ""), |at| rest.split_at(at)),
        None => ("", rest),
    };
    let mut text = String::with_capacity(uri.len());
    if let Some(scheme) = scheme {
        text.push_str(scheme);
        text.push(':');
    }
    if !authority.is_empty() {
        text.push_str("//");
        text.push_str(&percent_decode(authority)?);
    }
    text.push_str(&percent_decode(path)?);
    if path.is_empty() {
        Err("a path's URI has no path")
    } else {
        Ok(text)
    }
}

fn percent_decode(text: &str) -> Result<String, &'static str> {
    const BROKEN: &str = "a path's URI has a broken percent escape";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] => {
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err(BROKEN);
                };
                bytes.push((high << 4) | low);
                rest
            }
            [b'%', ..] => return Err(BROKEN),
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
    String::from_utf8(bytes).map_err(|_| "a path's URI is not UTF-8")
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::to_path_string;

    #[test]
    fn spells_as_path_does() {
        for (uri, path) in [
            ("file:///a%20b/%25x", "file:/a b/%x"),
            ("file:/flink1/tree/chk-1", "file:/flink1/tree/chk-1"),
            ("hdfs://namenode:8020/x", "hdfs://namenode:8020/x"),
            ("hdfs:///x", "hdfs:/x"),
            ("s3://bucket/k%C3%A9y+z", "s3://bucket/kéy+z"),
            ("s3://bucket/kéy", "s3://bucket/kéy"),
            ("/no/scheme%23", "/no/scheme#"),
            ("/a:b", "/a:b"),
        ] {
            assert_eq!(to_path_string(uri).as_deref(), Ok(path), "{uri}");
        }
    }

    #[test]
    fn refuses_what_no_path_spells() {
        for uri in [
            "file:/a?b",
            "file:/a#b",
            "file:/a%2",
            "file:/a%zz",
            "file:/%ff",
            "",
            "s3://bucket",
        ] {
            assert!(to_path_string(uri).is_err(), "{uri}");
        }
    }
}
