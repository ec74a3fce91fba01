//! Every limit of this crate.

use std::time::Duration;

/// Longest body, in bytes: more is 413.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// Longest time from a request's head to its answer: more is 503.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// Most calls that are worked on at one moment: more is 503.
pub(crate) const CALLS_MAX: usize = 32;

/// Longest query string, in bytes.
pub(crate) const QUERY_BYTES_MAX: usize = 8 << 10;

/// Most entries of one page.
pub(crate) const PAGE_ENTRIES_MAX: u32 = 100;

/// Entries of a page if the request does not say how many, as at Auth0.
pub(crate) const PAGE_ENTRIES_DEFAULT: u32 = 50;

/// Longest message of a refusal, in characters. It may name many fields, or a long one.
pub(crate) const MESSAGE_CHARACTERS_MAX: usize = 4096;

/// Longest id of a client or user, in bytes. PostgreSQL's keys have 2704 bytes at most, with the tenant's domain.
pub(crate) const ID_BYTES_MAX: usize = 256;

/// Most signing keys of a tenant besides the next one. More would be read by each verifier, and by nobody needed.
pub(crate) const SIGNING_KEYS_MAX: usize = 10;

/// Longest time that is spent on finding out who can reach whom.
pub(crate) const REACH_TIME_MAX: Duration = Duration::from_secs(10);

/// Longest scope of a grant, in bytes.
pub(crate) const SCOPE_BYTES_MAX: usize = 256;

/// Longest origin, callback, resource and email address, in bytes, for the same reason.
pub(crate) const LISTED_BYTES_MAX: usize = 2048;
