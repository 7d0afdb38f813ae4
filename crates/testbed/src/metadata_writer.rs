//! Writes what Flink's metadata is made of, for tests that need snapshots of a given shape.

/// The bytes of a `_metadata`, piece by piece, as `DataOutputStream` writes them. What does not fit is cut short.
#[derive(Debug, Default)]
pub struct MetadataWriter(Vec<u8>);

impl MetadataWriter {
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub fn int(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn long(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn count(&mut self, count: usize) -> &mut Self {
        self.int(i32::try_from(count).unwrap_or(i32::MAX))
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.bytes(&length.to_be_bytes()).bytes(text.as_bytes())
    }

    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
