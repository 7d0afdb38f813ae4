//! Writes the format by hand, for what the corpora do not have.

/// Bytes as Java's `DataOutputStream` writes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Bytes {
    /// Magic and version.
    pub(crate) fn metadata(version: i32) -> Self {
        Self::default().i32(0x4960_672d).i32(version)
    }

    /// The start of a file with one operator of parallelism 2 and no coordinator state.
    pub(crate) fn one_operator(version: i32, subtasks: i32) -> Self {
        let bytes = Self::metadata(version).i64(7).i32(0).i32(1);
        let bytes = if version >= 5 {
            bytes.utf("src").utf("u1")
        } else {
            bytes
        };
        let bytes = bytes.raw(&[0xab; 16]).i32(2).i32(128);
        let bytes = if version == 2 {
            bytes.i32(1)
        } else {
            bytes.u8(0)
        };
        bytes.i32(subtasks)
    }

    /// One operator with one subtask whose managed keyed state comes next; end it with [`Self::end_keyed`].
    pub(crate) fn keyed(version: i32) -> Self {
        let bytes = Self::one_operator(version, 1).i32(0);
        let bytes = if version == 2 {
            bytes.i64(-1).i32(0)
        } else {
            bytes
        };
        bytes.i32(0).i32(0)
    }

    /// No raw keyed state and no channels; a null tail from version 4 on.
    pub(crate) fn end_keyed(self, version: i32) -> Self {
        let bytes = self.u8(0);
        let bytes = if version == 2 {
            bytes
        } else {
            bytes.i32(0).i32(0)
        };
        bytes.tail(version)
    }

    /// No properties.
    pub(crate) fn tail(self, version: i32) -> Self {
        if version < 4 {
            self
        } else {
            self.raw(&[0xac, 0xed, 0, 5, 0x70])
        }
    }

    /// Key groups 0 to 1.
    pub(crate) fn key_groups(self) -> Self {
        self.i32(0).i32(2)
    }

    /// A file handle (tag 2).
    pub(crate) fn file(self, path: &str, size: i64) -> Self {
        self.u8(2).i64(size).utf(path)
    }

    /// A relative file handle (tag 6).
    pub(crate) fn relative(self, path: &str, size: i64) -> Self {
        self.u8(6).utf(path).i64(size)
    }

    /// An inline handle (tag 1).
    pub(crate) fn inline(self, data: &[u8]) -> Self {
        self.u8(1).utf("file:/never/made").blob(data)
    }

    pub(crate) fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    pub(crate) fn i32(self, value: i32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn i64(self, value: i64) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Text that is the same in modified UTF-8.
    pub(crate) fn utf(self, text: &str) -> Self {
        self.raw_utf(text.as_bytes())
    }

    pub(crate) fn raw_utf(self, text: &[u8]) -> Self {
        let length = u16::try_from(text.len()).unwrap();
        self.raw(&length.to_be_bytes()).raw(text)
    }

    pub(crate) fn blob(self, data: &[u8]) -> Self {
        self.i32(i32::try_from(data.len()).unwrap()).raw(data)
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}
