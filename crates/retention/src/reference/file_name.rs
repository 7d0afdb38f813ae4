use crate::layout::is_data_file;
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
        let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        if is_data_file(&name) {
            let digits: String = name.chars().filter(|c| *c != '-').collect();
            if let Ok(number) = u128::from_str_radix(&digits, 16) {
                return Self::Uuid(number.to_be_bytes());
            }
        }
        Self::Other(name.into())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            Self::Uuid(bytes) => {
                for (position, byte) in bytes.iter().enumerate() {
                    if matches!(position, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
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
    }

    #[test]
    fn other_names_count_too() {
        assert_eq!(FileName::of("/a/000012.SST"), FileName::of("000012.sst"));
        assert_ne!(FileName::of("/a/b"), FileName::of("/a/c"));
    }
}
