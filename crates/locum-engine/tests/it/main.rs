//! The engine through its public API: the order of its steps, and what each grants and refuses.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is the test's own; the lints' own exception covers test functions only"
)]

mod api_types;
mod audiences;
mod audit;
mod both_endpoints;
mod chains;
mod claims;
mod client_assertions;
mod configuring;
mod credentials;
mod distant_buckets;
mod failing_ports;
mod failures;
mod introspection;
mod invalid_tokens;
mod lifetimes;
mod management;
mod narrowing;
mod observer;
mod order;
mod parameters;
mod precedence;
mod profile;
mod profiles;
mod rate;
mod refresh_tokens;
mod refusals;
mod reuse;
mod revocation;
mod subject_tokens;
mod targets;
mod tenants;
mod token_exchange;
mod trusted_issuers;
mod unknown_names;
mod up_to_date;
