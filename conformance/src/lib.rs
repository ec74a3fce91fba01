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

mod asking;
mod built_in;
mod credential;
mod exchange;
mod exemption;
pub mod fixture;
mod judge;
mod kill;
mod library;
mod merge_patch;
mod minting;
mod mutants;
mod neighbour;
mod options;
mod probe;
mod profile;
mod reading;
mod redaction;
mod remote;
mod replay;
pub mod report;
mod run;
pub mod scaffold;
mod schema;
mod server_run;
pub mod sheet;
mod stage;
mod standing;
mod tenant;
mod variables;
mod weakening;

pub use judge::Difference;
pub use kill::{run_with_mutants, survivor_without};
pub use options::{Options, SetupError, Subject};
pub use profile::{Feature, Level, Profile};
pub use reading::Mistake;
pub use report::Report;
pub use run::run;
pub use schema::{fixture_schema, plugin_sheet_schema, report_schema};
