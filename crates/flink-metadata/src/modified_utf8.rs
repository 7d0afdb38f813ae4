//! Java's modified UTF-8: U+0000 may be `C0 80`, characters above U+FFFF are two surrogates of three bytes each.

use std::borrow::Cow;

/// Bytes that Java's `DataInputStream.readUTF` accepts. They may still hold lone surrogates, which are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utf<'a>(&'a [u8]);

impl<'a> Utf<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let well_formed = bytes.is_ascii() || Units(bytes).all(|unit| unit.is_some());
        well_formed.then_some(Self(bytes))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The text, or None if it holds a lone surrogate.
    #[inline]
    pub(crate) fn to_str(self) -> Option<Cow<'a, str>> {
        // Plain UTF-8 of up to three bytes per character reads the same in both encodings.
        match std::str::from_utf8(self.0) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => char::decode_utf16(self.units())
                .collect::<Result<String, _>>()
                .ok()
                .map(Cow::Owned),
        }
    }

    /// The text, with U+FFFD for lone surrogates. For names that people read, not for paths.
    pub(crate) fn to_string_lossy(self) -> Cow<'a, str> {
        self.to_str().unwrap_or_else(|| {
            let characters = char::decode_utf16(self.units());
            Cow::Owned(
                characters
                    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            )
        })
    }

    pub(crate) fn as_ascii(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or("")
    }

    fn units(self) -> impl Iterator<Item = u16> + use<'a> {
        Units(self.0).flatten()
    }
}

/// UTF-16 code units; None where the bytes are malformed.
struct Units<'a>(&'a [u8]);

impl Iterator for Units<'_> {
    type Item = Option<u16>;

    fn next(&mut self) -> Option<Self::Item> {
        let (unit, rest) = match self.0 {
            [] => return None,
            [a, rest @ ..] if *a < 0x80 => (Some(u16::from(*a)), rest),
            [a, b, rest @ ..] if a & 0xe0 == 0xc0 && is_continuation(*b) => {
                (Some((u16::from(a & 0x1f) << 6) | six_bits(*b)), rest)
            }
            [a, b, c, rest @ ..]
                if a & 0xf0 == 0xe0 && is_continuation(*b) && is_continuation(*c) =>
            {
                (
                    Some((u16::from(a & 0x0f) << 12) | (six_bits(*b) << 6) | six_bits(*c)),
                    rest,
                )
            }
            _ => (None, &[][..]),
        };
        self.0 = rest;
        Some(unit)
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn six_bits(byte: u8) -> u16 {
    u16::from(byte & 0x3f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        Utf::new(bytes).and_then(Utf::to_str).map(Cow::into_owned)
    }

    #[test]
    fn reads_what_java_writes() {
        assert_eq!(text(b"file:/a b%20").as_deref(), Some("file:/a b%20"));
        assert_eq!(text("é中".as_bytes()).as_deref(), Some("é中"));
        assert_eq!(text(b"a\xc0\x80b").as_deref(), Some("a\0b"));
        assert_eq!(text(b"\xed\xa0\xbd\xed\xb8\x80").as_deref(), Some("😀"));
    }

    #[test]
    fn ascii_and_three_byte_text_is_borrowed() {
        let bytes = "file:/é中".as_bytes();
        assert!(matches!(
            Utf::new(bytes).unwrap().to_str(),
            Some(Cow::Borrowed(_))
        ));
    }

    #[test]
    fn refuses_what_java_refuses() {
        for bytes in [&b"\x80"[..], b"\xc3", b"\xe4\xb8", b"\xc3\x28", b"\xff"] {
            assert_eq!(Utf::new(bytes), None, "{bytes:x?}");
        }
        assert_eq!(Utf::new("😀".as_bytes()), None, "four-byte sequences");
    }

    #[test]
    fn lone_surrogates_are_no_text() {
        let lone = Utf::new(b"a\xed\xa0\xbdb").unwrap();
        assert_eq!(lone.to_str(), None);
        assert_eq!(lone.to_string_lossy(), "a\u{fffd}b");
    }
}
