//! What a tenant has written, in a sentence that tells an administrator what to write or to run.

/// As a value in YAML: nothing but a value, whatever it is.
pub(super) fn as_yaml(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// As a part of one word of a shell.
pub(super) fn as_shell_word(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-+@%=~".contains(&byte);
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    begins && !text.ends_with(':') && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_directory_adds_nothing_to_the_administrators_file() {
        for location in [
            "file:/v, exclusive: true",
            "file:/v}], paused: false, x: [{",
            "file:/\"v",
            "file:/v # x",
            "file:/v\nfloors: {}",
            "file:/v:",
        ] {
            let grant = format!("{{location: {}}}", as_yaml(location));
            let read: Value = serde_saphyr::from_str(&grant).unwrap();
            assert_eq!(read, json!({"location": location}), "{grant}");
        }
        assert_eq!(as_yaml("s3://orders-1/a_b.c"), "s3://orders-1/a_b.c");
    }

    #[test]
    fn a_directory_is_one_word_of_a_shell() {
        assert_eq!(as_shell_word("flink/file:/v"), "flink/file:/v");
        assert_eq!(as_shell_word("a b"), "'a b'");
        assert_eq!(as_shell_word("a'$(id)"), r"'a'\''$(id)'");
    }
}
