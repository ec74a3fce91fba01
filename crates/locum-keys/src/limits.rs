//! The limits of fetching.

use std::time::Duration;

/// Largest document of an issuer, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;

/// How long one fetch may take, with all its documents.
pub const FETCH_DEADLINE: Duration = Duration::from_secs(5);

/// The shortest time between a fetch that failed and the next.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The shortest time between two fetches for keys that tokens name and the issuer may never have had: anybody can invent a
/// name.
pub const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);

/// The shortest time for which keys are fresh, whatever the issuer says.
pub const FRESH_MIN: Duration = Duration::from_secs(60);

/// The longest.
pub const FRESH_MAX: Duration = Duration::from_secs(24 * 3600);

/// For how long keys are fresh if the issuer does not say.
pub const FRESH_DEFAULT: Duration = Duration::from_secs(3600);

/// Keys that no token has needed for so long are forgotten.
pub const UNUSED_MAX: Duration = Duration::from_secs(48 * 3600);
