//! Fetches and keeps the public keys of the issuers that tenants trust.
//!
//! ```text
//! token of a trusted issuer ── fetched_keys: one entry for each issuer ──► entry: what is held, one fetch at a time
//!                                                                            │ schedule: use, fetch, or refuse
//!                                                                            ▼ fetch: configuration, JWK Set
//! ```

mod entry;
mod fetch;
mod fetched_keys;
pub mod limits;
mod schedule;

pub use fetched_keys::{FetchedKeys, IssuerStatus};
