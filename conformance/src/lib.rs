//! Runs fixtures against a plugin file or a running server, and reports the results.
//!
//! ```text
//! fixtures/*.yaml ─► Fixtures ─► Run ── each case ──► CaseRun ── steps ──► CaseContext    (router and engine in process)
//!                                 │                                  └───► RemoteServer   (any server, over HTTP)
//!                                 ├── Probes, which follow from the manifest
//!                                 ▼
//!                               Report: table, YAML, HTML, JUnit
//! ```
//!
//! A fixture is data: a request, and the expected response with its decoded credential. In process, each case has its
//! own router, engine, clock and upstreams around the plugin file, which is loaded as production loads it; nothing
//! depends on the machine or on the time of the run. A remote server is asked with the clients and keys of its own tenant;
//! cases that need more than HTTP, or another tenant, are listed as not run.
//!
//! The modules, in the order of the flow: `fixtures` reads cases, `exchange` builds requests and decodes responses,
//! `cases` runs one case, `probes` checks what follows from manifest and plugin spec, `running` runs all cases, `faults` and
//! `mutants` test the suite itself, `token_exchange` tests token endpoints of any server, [`report`] writes the results.
//! [`scaffold`] starts a new plugin, and `dev` serves one to its author.
//!
//! The crate prints nothing and parses no flags: see [`run`](run()) and [`Options`].

mod cases;
mod dev;
mod exchange;
mod faults;
mod feature;
pub mod fixtures;
mod mutants;
mod options;
mod probes;
mod profile;
pub mod report;
mod running;
pub mod scaffold;
mod schema;
mod selection;
mod settings_schema;
mod token_exchange;

pub use dev::{DevOptions, DevSession};
pub use feature::Feature;
pub use fixtures::FixtureError;
pub use mutants::{run_with_mutants, survivor_without};
pub use options::{
    Implementation, Options, ServerUnderTest, SetupError, TestedIsolation, TokenEndpointUnderTest,
};
pub use profile::{Level, Profile};
pub use report::{Difference, Report};
pub use running::{run, run_at_both_endpoints};
pub use schema::{fixture_schema, plugin_spec_schema, report_schema, token_exchange_schema};
pub use token_exchange::{TokenExchangeSettings, case_table as token_exchange_cases};
