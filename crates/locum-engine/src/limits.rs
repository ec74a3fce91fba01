//! Every limit of the engine, in one place.

/// Longest subject token, in bytes.
pub const SUBJECT_TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Longest `kid` of a subject token, in bytes.
pub const KID_BYTES_MAX: usize = 256;

/// Longest user id, in bytes.
pub const USER_ID_BYTES_MAX: usize = 255;

/// Deepest nesting of objects and arrays in JSON from outside.
pub const JSON_DEPTH_MAX: usize = 32;

/// How far in the future `iat` and `nbf` of a subject token may lie, in seconds: clocks differ.
pub const FUTURE_SECONDS_MAX: i64 = 60;

/// How far in the past an issuer may date a credential, in seconds: clocks differ.
pub const BACKDATING_SECONDS_MAX: i64 = 300;

/// Longest time that a client is told to wait for a busy upstream, in seconds.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 3600;

/// Most credentials that one add-on keeps to give again.
pub const REUSABLE_CREDENTIALS_MAX: usize = 1000;

/// Longest client-supplied text in an audit event, in characters.
pub const AUDIT_TEXT_MAX: usize = 256;
