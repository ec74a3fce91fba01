//! Points in time, as messages and credentials state them.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A point in time in whole seconds since 1970-01-01T00:00:00Z, without leap seconds: the `NumericDate` of RFC 7519.
///
/// In JSON it is that number. Arithmetic saturates, because lifetimes come from messages of plugins and upstreams.
///
/// ```
/// use locum_abi::time::UnixTime;
///
/// let issued_at = UnixTime::from_milliseconds(1_894_128_314_999);
/// assert_eq!(issued_at, UnixTime::from_seconds(1_894_128_314));
/// assert_eq!((issued_at + 300).seconds_since(issued_at), 300);
/// assert_eq!(serde_json::to_string(&issued_at)?, "1894128314");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(i64);

impl UnixTime {
    /// So many seconds after 1970, or before it if negative.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The second in which this millisecond lies: the host's clock counts milliseconds.
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        // The quotient is below 2^55, so the cast is exact.
        Self((milliseconds / 1000) as i64)
    }

    /// Seconds since 1970.
    pub const fn as_seconds(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970; 0 for times before, `u64::MAX` for those that do not fit.
    pub const fn as_milliseconds(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0.unsigned_abs().saturating_mul(1000) }
    }

    /// How many seconds later than `earlier` this is; negative if it is earlier.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time in UTC as RFC 3339 writes it, such as `2030-01-08T18:45:14Z`; `None` beyond the years -9999 to 9999.
    #[cfg(feature = "rfc3339")]
    pub fn to_rfc3339(self) -> Option<String> {
        jiff::Timestamp::from_second(self.0).ok().map(|instant| instant.to_string())
    }

    /// The second in which an RFC 3339 time lies, with any offset and any number of fractional digits.
    #[cfg(feature = "rfc3339")]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse().ok().map(|instant: jiff::Timestamp| Self(instant.as_second()))
    }
}

/// That many seconds later.
impl Add<i64> for UnixTime {
    type Output = Self;

    fn add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// That many seconds earlier.
impl Sub<i64> for UnixTime {
    type Output = Self;

    fn sub(self, seconds: i64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

impl From<UnixTime> for Value {
    fn from(time: UnixTime) -> Self {
        time.0.into()
    }
}

/// Writes the number of seconds.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_down_to_the_second() {
        assert_eq!(UnixTime::from_milliseconds(1999), UnixTime::from_seconds(1));
        assert_eq!(UnixTime::from_milliseconds(u64::MAX).as_seconds(), 18_446_744_073_709_551);
        assert_eq!(UnixTime::from_seconds(1).as_milliseconds(), 1000);
    }

    #[test]
    fn times_before_1970_have_no_milliseconds() {
        assert_eq!(UnixTime::from_seconds(-1).as_milliseconds(), 0);
    }

    #[test]
    fn arithmetic_saturates() {
        let last = UnixTime::from_seconds(i64::MAX);
        assert_eq!(last + 1, last);
        assert_eq!(UnixTime::from_seconds(i64::MIN) - 1, UnixTime::from_seconds(i64::MIN));
        assert_eq!(last.seconds_since(UnixTime::from_seconds(-1)), i64::MAX);
        assert_eq!(last.as_milliseconds(), u64::MAX);
    }

    #[test]
    fn json_holds_the_number_of_seconds() {
        let time: UnixTime = serde_json::from_str("1894128314").unwrap();
        assert_eq!(serde_json::json!({ "iat": time }), serde_json::json!({ "iat": 1_894_128_314 }));
        assert!(serde_json::from_str::<UnixTime>("1894128314.5").is_err());
        assert!(serde_json::from_str::<UnixTime>("\"1894128314\"").is_err());
    }

    #[cfg(feature = "rfc3339")]
    #[test]
    fn rfc_3339_is_written_in_utc_and_read_with_any_offset() {
        let time = UnixTime::from_seconds(1_894_128_314);
        assert_eq!(time.to_rfc3339().as_deref(), Some("2030-01-08T18:45:14Z"));
        for text in ["2030-01-08T18:45:14Z", "2030-01-08T19:45:14+01:00", "2030-01-08T18:45:14.999Z"] {
            assert_eq!(UnixTime::from_rfc3339(text), Some(time), "{text}");
        }
        for text in ["", "2030-01-08", "2030-01-08T18:45:14", "tomorrow"] {
            assert_eq!(UnixTime::from_rfc3339(text), None, "{text}");
        }
        assert_eq!(UnixTime::from_seconds(i64::MAX).to_rfc3339(), None);
    }
}
