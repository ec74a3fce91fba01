//! Every limit of this crate, by name.

use std::time::Duration;

/// Bytes of a plugin file.
pub const PLUGIN_FILE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 256 << 10;

/// Bytes of one answer of a plugin, log lines and all.
pub const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Bytes of a credential that is a JWT or a text.
pub const CREDENTIAL_BYTES_MAX: usize = 64 << 10;

/// Characters of a plugin's message, code or pointer that are passed on.
pub const MESSAGE_CHARS_MAX: usize = 1024;

/// Log lines of one call that are passed on.
pub const LOG_LINES_MAX: usize = 64;

/// Upstream calls that one request may take.
pub const UPSTREAM_CALLS_MAX: usize = 4;

/// Bytes of the body of an upstream request.
pub const UPSTREAM_REQUEST_BYTES_MAX: usize = 256 << 10;

/// Bytes of the body of an upstream reply.
pub const UPSTREAM_REPLY_BYTES_MAX: usize = 1 << 20;

/// Headers of an upstream reply.
pub const UPSTREAM_REPLY_HEADERS_MAX: usize = 64;

/// How long an upstream may take to accept a connection.
pub const UPSTREAM_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long all the steps of one request may take together, unless [`LoadOptions`](crate::LoadOptions) say otherwise.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// After so many hangs a plugin is not called any more.
pub const HANGS_MAX: u32 = 3;

/// How far in the past an issuer may say that a credential's life started, in seconds: what clocks differ by.
pub const BACKDATING_SECONDS_MAX: i64 = 300;
