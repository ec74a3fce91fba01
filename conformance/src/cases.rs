//! Cases: one fixture at a time, run against a plugin in process or against a remote server.

pub(crate) mod both_endpoints;
pub(crate) mod both_levels;
pub(crate) mod case_context;
pub(crate) mod case_run;
mod comparison;
pub(crate) mod earlier_answers;
pub(crate) mod fresh_processes;
pub(crate) mod harness;
mod invariants;
pub(crate) mod issuer_under_test;
pub(crate) mod leaks;
pub(crate) mod log_lines;
mod ports;
pub(crate) mod redacted_failure;
pub(crate) mod remote_server;
pub(crate) mod runner_tokens;
pub(crate) mod scripted_upstreams;
pub(crate) mod successful_requests;
