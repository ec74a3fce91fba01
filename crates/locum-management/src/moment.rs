//! Moments as answers have them.

use jiff::{SignedDuration, Timestamp};

/// The moment as RFC 3339 has it, in UTC.
pub(crate) fn time(unix_seconds: i64) -> String {
    moment(unix_seconds).to_string()
}

/// The moment so many seconds after 1970 began.
pub(crate) fn moment(unix_seconds: i64) -> Timestamp {
    Timestamp::from_duration(SignedDuration::from_secs(unix_seconds)).unwrap_or(Timestamp::MAX)
}
