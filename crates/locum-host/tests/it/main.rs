//! Tests of the host with real plugin files: loading, refusals, calls, egress and misbehaving plugins.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is the failure message of a test; the lints' own exception covers test functions only"
)]

mod answers;
mod configure_hangs;
mod configuring;
mod egress;
mod elf_file;
mod hangs;
mod harness;
mod kept;
mod linked;
mod loader_tables;
mod loading;
mod mapped_bytes;
mod misbehaving;
mod missing_parts;
mod observer;
mod pauses;
mod process_exits;
mod refused_files;
mod runner;
mod runner_deaths;
mod runner_tenants;
mod section_headers;
mod signing;
mod upgrade;
mod upstream_tls;
