//! The host against real plugin files, built for these tests: what loads, what is refused, what is survived.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is the failure message of a test; the lints' own exception covers test functions only"
)]

mod answers;
mod configuring;
mod deaths;
mod egress;
mod hangs;
mod harness;
mod loading;
mod misbehaving;
mod refused_files;
