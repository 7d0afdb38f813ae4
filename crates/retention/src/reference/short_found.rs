use super::Found;
use jiff::Timestamp;

/// [`Found`] in sixteen bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(super) struct ShortFound {
    size: u64,
    /// In nanoseconds since 1970, or one of the words below.
    modified: i64,
}

/// These are times in the year 1677, which nothing says of a file that we know; whatever has one is kept apart, as is
/// everything outside of what an `i64` can say.
const UNKNOWN: i64 = i64::MIN;
const ABSENT: i64 = i64::MIN + 1;
const UNTIMED: i64 = i64::MIN + 2;
const FIRST_TIME: i64 = i64::MIN + 3;

impl ShortFound {
    pub(super) const UNKNOWN: Self = Self {
        size: 0,
        modified: UNKNOWN,
    };

    /// None where it does not fit.
    pub(super) fn of(found: Found) -> Option<Self> {
        let (size, modified) = match found {
            Found::Unknown => (0, UNKNOWN),
            Found::Absent => (0, ABSENT),
            Found::Present {
                size,
                modified: None,
            } => (size, UNTIMED),
            Found::Present {
                size,
                modified: Some(time),
            } => {
                let time = i64::try_from(time.as_nanosecond()).ok();
                (size, time.filter(|&time| time >= FIRST_TIME)?)
            }
        };
        Some(Self { size, modified })
    }

    pub(super) fn long(self) -> Found {
        let Self { size, modified } = self;
        let modified = match modified {
            UNKNOWN => return Found::Unknown,
            ABSENT => return Found::Absent,
            UNTIMED => None,
            // Every i64 of nanoseconds is a time that there is.
            time => Timestamp::from_nanosecond(time.into()).ok(),
        };
        Found::Present { size, modified }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(modified: Timestamp) -> Found {
        Found::Present {
            size: u64::MAX,
            modified: Some(modified),
        }
    }

    #[test]
    fn what_fits_comes_back_as_it_was() {
        let time = |nanoseconds: i64| Timestamp::from_nanosecond(nanoseconds.into()).unwrap();
        for found in [
            Found::Unknown,
            Found::Absent,
            Found::Present {
                size: 0,
                modified: None,
            },
            at(Timestamp::UNIX_EPOCH),
            at(time(-1)),
            at(time(FIRST_TIME)),
            at(time(i64::MAX)),
        ] {
            assert_eq!(ShortFound::of(found).unwrap().long(), found);
        }
        assert_eq!(ShortFound::UNKNOWN.long(), Found::Unknown);
    }

    #[test]
    fn what_does_not_fit_is_no_other_time() {
        let time = |nanoseconds: i128| Timestamp::from_nanosecond(nanoseconds).unwrap();
        for modified in [
            Timestamp::MIN,
            Timestamp::MAX,
            time(i128::from(i64::MAX) + 1),
            time(i128::from(FIRST_TIME) - 1),
            time(UNKNOWN.into()),
        ] {
            assert_eq!(ShortFound::of(at(modified)), None, "{modified}");
        }
    }
}
