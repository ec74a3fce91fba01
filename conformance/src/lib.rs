//! Replays fixtures against a plugin file or a running server; reports.
//!
//! ```text
//! fixtures/*.yaml ─► Library ─► Course ── each case ──► Replay ── steps ──► Stage   (router and engine in process)
//!                                  │                                  └───► Server  (somebody's, over HTTP)
//!                                  ├── Probes, which follow from the manifest
//!                                  ▼
//!                               Report: table, YAML, exit code
//! ```
//!
//! A fixture is data: what is asked, and what must come back, the credential decoded. In process a case has a router, an
//! engine, a clock and upstreams of its own, around the plugin file as production loads it; nothing depends on when
//! or where it runs. Against a server, what needs the inside is named as not run.
//!
//! It prints nothing and decides nothing about flags: see [`run`](run()) and [`Options`].

mod built_in;
mod case_context;
mod case_run;
mod comparison;
mod credential;
mod exchange;
mod exemption;
mod fault;
pub mod fixture;
mod fixture_diff;
mod id_token;
mod invariants;
mod library;
mod merge_patch;
mod mutants;
mod mutation_score;
mod options;
pub mod plugin_spec;
mod probe;
mod profile;
mod redaction;
mod remote_server;
pub mod report;
mod request_builder;
mod run;
pub mod scaffold;
mod schema;
mod server_run;
mod tenant;
mod variables;
mod yaml;

pub use comparison::Difference;
pub use mutation_score::{run_with_mutants, survivor_without};
pub use options::{Implementation, Options, SetupError};
pub use profile::{Feature, Level, Profile};
pub use report::Report;
pub use run::run;
pub use schema::{fixture_schema, plugin_spec_schema, report_schema};
pub use yaml::FixtureError;
