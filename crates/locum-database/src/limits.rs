//! How long a call waits, and how many connections there are.

use std::time::Duration;

/// How long a request waits for a connection; with SQLite also for the lock of another connection or process. It is then
/// refused as unavailable.
pub(crate) const WAIT_MAX: Duration = Duration::from_millis(500);

/// How long a call may take in all. Statements have shorter limits; this one ends the wait for a server that does not answer.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(2);

/// How long the first connection may take.
pub(crate) const START_MAX: Duration = Duration::from_secs(10);

/// How long changes of the schema may take, those of another node included, for which this one waits.
pub(crate) const MIGRATION_MAX: Duration = Duration::from_secs(600);

/// How long it may take to delete a batch of what has ended. The search for it goes through what is kept for long.
pub(crate) const SWEEP_MAX: Duration = Duration::from_secs(60);

/// Connections to a file of SQLite: one writes at a time, and readers do not wait for it.
pub(crate) const SQLITE_CONNECTIONS_MAX: u32 = 4;

/// Connections of one node to PostgreSQL, which accepts 100 in all unless its `max_connections` says otherwise.
pub(crate) const POSTGRES_CONNECTIONS_MAX: u32 = 16;

/// PostgreSQL ends a statement after this time, a wait for a lock, and a transaction whose program stands still: others wait for
/// its locks. In milliseconds, as parameters of the URL.
pub(crate) const POSTGRES_TIME_LIMITS: [(&str, &str); 3] = [
    ("options[statement_timeout]", "1000"),
    ("options[lock_timeout]", "500"),
    ("options[idle_in_transaction_session_timeout]", "2000"),
];
