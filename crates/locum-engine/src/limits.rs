//! The limits of the engine.

/// Longest subject token, and longest token in a revocation request, in bytes.
pub const SUBJECT_TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Longest `kid` of a subject token, in bytes.
pub const KID_BYTES_MAX: usize = 256;

/// For how long the assertion of a client may be valid, in seconds: it is remembered until it expires.
pub const ASSERTION_SECONDS_MAX: i64 = 3600;

/// Longest `jti` of a client's assertion, in bytes.
pub const ASSERTION_ID_BYTES_MAX: usize = 256;

/// Most keys in the JWK Set of an issuer: a token that names no key is tried with all of them.
pub const JWK_SET_KEYS_MAX: usize = 100;

/// Longest user id, in bytes.
pub const USER_ID_BYTES_MAX: usize = 255;

/// Most actors in a claim `act` (RFC 8693 section 4.1), the current one included.
pub const ACTORS_MAX: usize = 4;

/// Deepest nesting of objects and arrays in JSON from clients.
pub const JSON_DEPTH_MAX: usize = 32;

/// How far in the future `iat` and `nbf` of a subject token may be, in seconds: clocks differ.
pub const FUTURE_SECONDS_MAX: i64 = 60;

/// How far in the past an issuer may date a credential, in seconds: clocks differ.
pub const BACKDATING_SECONDS_MAX: i64 = 300;

/// Longest time that a client is told to wait for a busy upstream, in seconds.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 3600;

/// Most credentials that one add-on keeps for reuse.
pub const REUSABLE_CREDENTIALS_MAX: usize = 1000;

/// Longest text from a client in an audit event, in characters.
pub const AUDIT_TEXT_MAX: usize = 256;

/// For how many seconds the management token of a client is valid: a day, as at Auth0.
pub const MANAGEMENT_TOKEN_SECONDS: i64 = 86_400;
