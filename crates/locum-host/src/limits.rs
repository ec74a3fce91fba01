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

/// Most RSA signatures that wait, for all issuers together.
pub const SIGNING_QUEUE_MAX: usize = 1024;

/// A signature before which fewer than so many wait is always made, however slow the key or the machine is.
pub const SIGNING_AHEAD_MIN: usize = 16;

/// A longer time in which no signature is asked for and none is made does not count as waiting.
pub const SIGNING_GAP_MAX: Duration = Duration::from_millis(5);

/// Longest wait of a signature in a queue that was empty so long ago at most.
pub const SIGNING_WAIT_MAX: Duration = Duration::from_millis(50);

/// Longest wait of a signature in a queue that was not empty for longer.
pub const SIGNING_WAIT_BUSY_MAX: Duration = Duration::from_millis(15);

/// For how long signatures are made one after the other in such a queue, until other requests are served in between. It is
/// exceeded by the time of one signature.
pub const SIGNING_TURN_MAX: Duration = Duration::from_millis(1);

/// Longest wait that is expected of a signature when it is put into such a queue. Shorter than the wait at most, because an
/// expectation errs, and whoever has waited should be signed for.
pub const SIGNING_EXPECTED_WAIT_MAX: Duration = Duration::from_millis(11);

/// Shortest secret that is masked in messages and log lines, in bytes: shorter ones occur in ordinary text by chance.
pub const SECRET_IN_TEXT_BYTES_MIN: usize = 6;

/// Shortest secret for which a credential that contains it is refused, in bytes.
pub const SECRET_IN_CREDENTIAL_BYTES_MIN: usize = 8;

/// Most log lines of one call. The rest is dropped.
pub const LOG_LINES_MAX: usize = 64;

/// Most values that one issuer has kept between requests.
pub const KEPT_VALUES_MAX: usize = 16;

/// Longest key of a kept value, in bytes.
pub const KEPT_KEY_BYTES_MAX: usize = 64;

/// Largest kept value, in bytes.
pub const KEPT_VALUE_BYTES_MAX: usize = 16 << 10;

/// How long a value is kept at most, in seconds.
pub const KEPT_SECONDS_MAX: i64 = 86_400;

/// Most upstream calls of one request.
pub const UPSTREAM_CALLS_MAX: usize = 4;

/// Most signatures that one request asks the host for.
pub const SIGNATURES_MAX: usize = 4;

/// Largest body of an upstream request, in bytes.
pub const UPSTREAM_REQUEST_BYTES_MAX: usize = 256 << 10;

/// Largest body of an upstream reply, in bytes.
pub const UPSTREAM_REPLY_BYTES_MAX: usize = 1 << 20;

/// How long all steps of one request together may take, unless [`LoadOptions`](crate::LoadOptions) set another time.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// How long a plugin may take to configure one issuer, unless [`LoadOptions`](crate::LoadOptions) set another time.
pub const CONFIGURE_DEADLINE: Duration = Duration::from_secs(10);

/// Most threads in which one plugin configures issuers. Those that hang are never stopped, so only a restart frees them.
pub const CONFIGURE_THREADS_MAX: usize = 32;

/// Largest request of the host to a runner, in bytes: the input of an issuer with all its upstream replies.
pub const RUNNER_REQUEST_BYTES_MAX: usize = 16 << 20;

/// Most address space of a runner, in bytes. Memory that a plugin asks for beyond it is refused.
pub const RUNNER_ADDRESS_SPACE_BYTES: u64 = 512 << 20;

/// Most calls that one runner answers at a time.
pub const RUNNER_LANES_MAX: u32 = 4;

/// How long a runner may take until it has mapped its plugin and stated the manifest.
pub const RUNNER_START_DEADLINE: Duration = Duration::from_secs(10);

/// How often a call is sent again when the runner ended because of another call.
pub const RUNNER_RESENDS_MAX: u32 = 2;

/// Shortest and longest wait before a runner is started again that ended before it was ready. It doubles each time.
pub const RUNNER_BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// So many deaths of the runner by calls of one issuer within [`RUNNER_DEATHS_WINDOW`] pause that issuer.
pub const RUNNER_DEATHS_MAX: usize = 3;

/// The time in which the deaths are counted.
pub const RUNNER_DEATHS_WINDOW: Duration = Duration::from_secs(60);

/// Shortest and longest pause of an issuer. It doubles each time.
pub const RUNNER_PAUSE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// Most pauses of operators at a time.
pub const OPERATOR_PAUSES_MAX: usize = 256;

/// Longest text that a runner states about itself, in characters. The rest is cut off.
pub const RUNNER_MESSAGE_CHARS_MAX: usize = 500;

/// Most messages of a runner on its control socket. One that sends more is ended.
pub const RUNNER_MESSAGES_MAX: u32 = 64;

/// Most output of a runner that is read and discarded in each 10 ms, in bytes. A plugin that writes more has to wait.
pub const RUNNER_OUTPUT_BYTES_MAX: usize = 64 << 10;
