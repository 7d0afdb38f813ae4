use std::fmt;

/// The protect key of a file: its base name. Flink's data files are random UUIDs, so any spelling, alias, moved
/// directory, relative or entropy path of the same file has the same key. Case does not count, because on some file
/// systems it does not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileName {
    Uuid([u8; 16]),
    Other(Box<str>),
}

impl FileName {
    /// The key of the last segment of `path`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default();
        uuid(name).map_or_else(|| Self::Other(name.to_lowercase().into()), Self::Uuid)
    }

    /// Whether the name of which this is the key was written like the key.
    pub(super) fn is_spelt(&self, name: &str) -> bool {
        match self {
            Self::Uuid(_) => name.len() == LENGTH && !name.bytes().any(|b| b.is_ascii_uppercase()),
            Self::Other(key) => **key == *name,
        }
    }
}

/// Where the hyphens are in the text of a UUID, and how long it is.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const LENGTH: usize = 36;

/// The bytes of a UUID in any case. Every file of a listing comes by here.
fn uuid(name: &str) -> Option<[u8; 16]> {
    if name.len() != LENGTH {
        return None;
    }
    let mut number: u128 = 0;
    for (position, byte) in name.bytes().enumerate() {
        if HYPHENS.contains(&position) {
            if byte != b'-' {
                return None;
            }
        } else {
            let digit = char::from(byte).to_digit(16)?;
            number = (number << 4) | u128::from(digit);
        }
    }
    Some(number.to_be_bytes())
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            Self::Uuid(bytes) => {
                let mut number = u128::from_be_bytes(*bytes);
                let mut text = ['-'; LENGTH];
                for (position, character) in text.iter_mut().enumerate().rev() {
                    if !HYPHENS.contains(&position) {
                        let digit = u32::try_from(number & 15).unwrap_or_default();
                        *character = char::from_digit(digit, 16).unwrap_or('0');
                        number >>= 4;
                    }
                }
                f.write_str(&text.iter().collect::<String>())
            }
        }
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_by_any_path_and_in_any_case() {
        let name = "0a7e0a7e-1111-2222-3333-0123456789ab";
        assert_eq!(
            FileName::of(&format!("s3://b//x/{name}")),
            FileName::of(name)
        );
        assert_eq!(FileName::of(&name.to_uppercase()), FileName::of(name));
        assert_eq!(FileName::of(name).to_string(), name);
        assert_eq!(format!("{:?}", FileName::of(name)), name);
        // In 16 bytes: there may be millions of them.
        assert!(matches!(FileName::of(name), FileName::Uuid(_)));
    }

    #[test]
    fn what_is_nearly_a_uuid_is_a_name() {
        for name in [
            "0a7e0a7e-1111-2222-3333-0123456789a",
            "0a7e0a7e-1111-2222-33330-123456789ab",
            "0a7e0a7e_1111-2222-3333-0123456789ab",
            "0a7e0a7e-1111-2222-3333-0123456789ag",
            "+a7e0a7e-1111-2222-3333-0123456789ab",
            "0a7e0a7e-1111-2222-3333-01234567é9a",
        ] {
            assert_eq!(FileName::of(name), FileName::Other(name.into()));
            assert_eq!(FileName::of(name).to_string(), name);
        }
    }

    #[test]
    fn other_names_count_too() {
        assert_eq!(FileName::of("/a/000012.SST"), FileName::of("000012.sst"));
        assert_ne!(FileName::of("/a/b"), FileName::of("/a/c"));
    }
}
