//! A bounds-checked big-endian reader, as Java's `DataInputStream` reads.

use crate::error::{Error, Problem};
use crate::modified_utf8::Utf;

/// The unread rest of the input, and how much there was.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.total.saturating_sub(self.rest.len())
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// An error at the current position.
    #[cold]
    pub(crate) fn error(&self, problem: Problem) -> Error {
        Error::new(problem, self.offset())
    }

    #[cold]
    fn truncated(&self, needed: usize) -> Error {
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        self.error(Problem::Truncated {
            needed,
            left: self.rest.len(),
        })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(*head)
            }
            None => Err(self.truncated(N)),
        }
    }

    #[inline]
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        match self.rest.split_at_checked(count) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(self.truncated(count)),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn i32(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn id(&mut self) -> Result<[u8; 16], Error> {
        self.array()
    }

    /// `writeUTF`: a byte count of two bytes, then modified UTF-8.
    #[inline]
    pub(crate) fn utf(&mut self) -> Result<Utf<'a>, Error> {
        let length = usize::from(self.u16()?);
        self.text(length)
    }

    #[inline]
    pub(crate) fn text(&mut self, length: usize) -> Result<Utf<'a>, Error> {
        let start = self.offset();
        Utf::new(self.bytes(length)?).ok_or_else(|| Error::new(Problem::MalformedText, start))
    }

    /// A byte count of four bytes, then that many bytes.
    pub(crate) fn blob(&mut self) -> Result<&'a [u8], Error> {
        let length = self.count(1)?;
        self.bytes(length)
    }

    /// A count of elements of which each takes at least `minimum` bytes, so that it cannot exceed the bytes left.
    #[inline]
    pub(crate) fn count(&mut self, minimum: usize) -> Result<usize, Error> {
        let start = self.offset();
        let value = self.i32()?;
        self.bounded(value, minimum, start)
    }

    /// Checks a count that was read at `start` against the bytes that are left.
    #[inline]
    pub(crate) fn bounded(&self, value: i32, minimum: usize, start: usize) -> Result<usize, Error> {
        let Ok(count) = usize::try_from(value) else {
            let problem = Problem::OutOfRange {
                value: i64::from(value),
                expected: "a count (0 or more)",
            };
            return Err(Error::new(problem, start));
        };
        let needed = count.saturating_mul(minimum);
        if needed > self.rest.len() {
            let needed = u64::try_from(needed).unwrap_or(u64::MAX);
            return Err(Error::new(
                Problem::Truncated {
                    needed,
                    left: self.rest.len(),
                },
                start,
            ));
        }
        Ok(count)
    }

    /// An i32 that must be 0 or 1. Flink takes any non-zero for true but writes only these.
    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        let start = self.offset();
        match self.i32()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(out_of_range(i64::from(value), "0 or 1", start)),
        }
    }

    /// A byte that must be 0 or 1.
    pub(crate) fn bool(&mut self) -> Result<bool, Error> {
        let start = self.offset();
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(out_of_range(i64::from(value), "0 or 1", start)),
        }
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error(Problem::TrailingBytes {
                count: self.rest.len(),
            }))
        }
    }
}

#[cold]
pub(crate) fn out_of_range(value: i64, expected: &'static str, offset: usize) -> Error {
    Error::new(Problem::OutOfRange { value, expected }, offset)
}
