//! Numbers of bytes: as people write them (`2Ti`, `500G`, `1048576`) and as columns show them (`412.6Gi`).

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What the API server accepts for a string.
pub const PATTERN: &str = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$";
/// The longest text, in characters.
pub const MAX_LENGTH: usize = 20;

/// Binary units, largest first, with the power of two that each stands for.
const BINARY: [(&str, u32); 6] = [
    ("Ei", 60),
    ("Pi", 50),
    ("Ti", 40),
    ("Gi", 30),
    ("Mi", 20),
    ("Ki", 10),
];
/// Decimal units, largest first, with the power of ten that each stands for.
const DECIMAL: [(&str, u32); 6] = [
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
];

/// A number of bytes in a spec: an integer, or a Kubernetes quantity. Zero up to 8 EiB - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

/// The text is not a number of bytes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{text:?} is not a number of bytes: write an integer, or a quantity such as 500Mi, 2Ti or 1.5T"
)]
pub struct InvalidBytes {
    /// What was written.
    pub text: String,
}

impl Bytes {
    /// The largest number, the one that still fits an int64 of the Kubernetes API.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// This many bytes, at most [`Bytes::MAX`].
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        if bytes > Self::MAX.0 {
            Self::MAX
        } else {
            Self(bytes)
        }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A size for a printer column: one decimal in the largest binary unit that fits, `0` for nothing.
#[must_use]
pub fn human(bytes: u64) -> String {
    for (unit, power) in BINARY {
        let tenths = (u128::from(bytes) * 10 + (1_u128 << (power - 1))) >> power;
        if tenths >= 10 {
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
    }
    if bytes == 0 {
        "0".to_owned()
    } else {
        format!("{bytes}B")
    }
}

/// `1 file`, `2 files`.
#[must_use]
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A size for a sentence: `17.3 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let text = human(bytes);
    match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(unit) => {
            let (number, unit) = text.split_at(unit);
            let unit = unit.trim_end_matches('B');
            format!("{number} {unit}B")
        }
        None => format!("{text} B"),
    }
}

impl FromStr for Bytes {
    type Err = InvalidBytes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidBytes {
            text: text.to_owned(),
        })
    }
}

/// Exact integer arithmetic; a fraction of a byte is cut off.
fn parse(text: &str) -> Option<Bytes> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let number_end = text
        .find(|c: char| c != '.' && !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let multiplier = multiplier(unit)?;
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole: u128 = whole.parse().ok()?;
    let fraction: u128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let digits = whole.checked_mul(scale)?.checked_add(fraction)?;
    let bytes = u64::try_from(digits.checked_mul(multiplier)? / scale).ok()?;
    (bytes <= Bytes::MAX.0).then_some(Bytes(bytes))
}

fn multiplier(unit: &str) -> Option<u128> {
    if unit.is_empty() {
        return Some(1);
    }
    let binary = BINARY
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, power)| 1_u128 << power);
    let decimal = || {
        DECIMAL
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, power)| 10_u128.pow(*power))
    };
    binary.or_else(decimal)
}

/// The exact form that Kubernetes writes: the largest binary unit that divides the number.
impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = BINARY
            .iter()
            .find(|(_, power)| self.0 != 0 && self.0.trailing_zeros() >= *power);
        match exact {
            Some((unit, power)) => write!(out, "{}{unit}", self.0 >> power),
            None => write!(out, "{}", self.0),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum IntegerOrText {
            Integer(u64),
            Text(String),
        }
        let text = match IntegerOrText::deserialize(deserializer)? {
            IntegerOrText::Integer(bytes) => bytes.to_string(),
            IntegerOrText::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "pattern": PATTERN,
            "maxLength": MAX_LENGTH,
            "minimum": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn bytes(text: &str) -> u64 {
        text.parse::<Bytes>().unwrap().get()
    }

    #[test]
    fn reads_integers_and_quantities() {
        assert_eq!(bytes("0"), 0);
        assert_eq!(bytes("1048576"), 1 << 20);
        assert_eq!(bytes("2Ti"), 2 << 40);
        assert_eq!(bytes("500M"), 500_000_000);
        assert_eq!(bytes("1.5Gi"), 3 << 29);
        assert_eq!(bytes("0.3"), 0);
        assert_eq!(bytes("9223372036854775807"), Bytes::MAX.get());
    }

    #[test]
    fn refuses_the_rest_with_a_sentence() {
        for text in [
            "",
            "Ti",
            ".5Ti",
            "1.",
            "-1",
            "2TB",
            "2 Ti",
            "1.2.3Gi",
            "8Ei",
            "1e3",
            "999999999999999999999",
        ] {
            let error = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.contains("such as 500Mi"), "{text}: {error}");
        }
    }

    #[test]
    fn travels_as_integer_or_text() {
        assert_eq!(
            serde_json::from_str::<Bytes>("2199023255552")
                .unwrap()
                .get(),
            2 << 40
        );
        let read: Bytes = serde_json::from_str("\"2Ti\"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"2Ti\"");
        assert_eq!(Bytes::new(1_000).to_string(), "1000");
        assert_eq!(Bytes::new(0).to_string(), "0");
        assert!(serde_json::from_str::<Bytes>("-1").is_err());
    }

    #[test]
    fn columns_show_one_decimal_of_the_largest_unit() {
        assert_eq!(human(0), "0");
        assert_eq!(human(512), "512B");
        assert_eq!(human(1_024), "1.0Ki");
        assert_eq!(human(443_023_359_180), "412.6Gi");
        assert_eq!(human(412_316_860_416), "384.0Gi");
        assert_eq!(human((1 << 20) - 1), "1.0Mi");
        assert_eq!(human(u64::MAX), "16.0Ei");
    }

    #[test]
    fn sizes_have_a_unit() {
        let sizes = [0, 1, 1536, 5 << 20, 3 << 40].map(size);
        assert_eq!(sizes, ["0 B", "1 B", "1.5 KiB", "5.0 MiB", "3.0 TiB"]);
    }
}
