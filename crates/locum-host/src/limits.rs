//! Every limit of this crate.

use std::time::Duration;

/// Largest plugin file, in bytes.
pub const PLUGIN_FILE_BYTES_MAX: u64 = 64 << 20;

/// Largest lock file, in bytes: some thousand plugins.
pub const LOCK_FILE_BYTES_MAX: u64 = 1 << 20;

/// Most memory that a plugin's segments may take, in bytes.
pub const IMAGE_BYTES_MAX: u64 = 256 << 20;

/// Most thread-local data of a plugin, in bytes: every thread of the host gets a copy.
pub const TLS_BYTES_MAX: u64 = 64 << 10;

/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 << 10;

/// Largest answer of a plugin including its log lines, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Largest credential that is a JWT or text, in bytes. Objects are limited by [`ANSWER_BYTES_MAX`].
pub const CREDENTIAL_BYTES_MAX: usize = 64 << 10;

/// Longest message or pointer of a plugin, in characters. The rest is cut off.
pub const MESSAGE_CHARS_MAX: usize = 1024;

/// Shortest secret that is masked in messages and log lines, in bytes: shorter ones occur in ordinary text by chance.
pub const SECRET_IN_TEXT_BYTES_MIN: usize = 6;

/// Shortest secret for which a credential that contains it is refused, in bytes.
pub const SECRET_IN_CREDENTIAL_BYTES_MIN: usize = 8;

/// Most log lines of one call. The rest is dropped.
pub const LOG_LINES_MAX: usize = 64;

/// Most upstream calls of one request.
pub const UPSTREAM_CALLS_MAX: usize = 4;

/// Largest body of an upstream request, in bytes.
pub const UPSTREAM_REQUEST_BYTES_MAX: usize = 256 << 10;

/// Largest body of an upstream reply, in bytes.
pub const UPSTREAM_REPLY_BYTES_MAX: usize = 1 << 20;

/// Most headers of an upstream reply.
pub const UPSTREAM_REPLY_HEADERS_MAX: usize = 64;

/// How long connecting to an upstream may take.
pub const UPSTREAM_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long all steps of one request together may take, unless [`LoadOptions`](crate::LoadOptions) set another time.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// How long a plugin may take to configure one issuer, unless [`LoadOptions`](crate::LoadOptions) set another time.
pub const CONFIGURE_DEADLINE: Duration = Duration::from_secs(10);

/// Most threads in which one plugin configures issuers. Those that hang are never stopped, so only a restart frees them.
pub const CONFIGURE_THREADS_MAX: usize = 32;

/// After this many calls that hang, a plugin is quarantined until it is loaded again.
pub const HANGS_MAX: u32 = 3;
