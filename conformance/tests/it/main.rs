//! The suite against real plugin files: shipped plugins, and plugins that must fail.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the test's own"
)]

mod bad_plugins;
mod binary_bodies;
mod changed_values;
mod chosen_bugs;
mod incomplete_specs;
mod issued;
mod misbehaving;
mod mutation_score;
mod old_plugins;
mod plugin_files;
mod reaching_out;
mod remote;
mod running_server;
mod runs;
mod schemas;
mod secret_settings;
mod shipped;
mod token_exchange;
mod upstream_faults;
