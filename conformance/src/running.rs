//! Running: which cases apply to a plugin or to a server, and the result of each.

mod askable;
mod clients;
mod completeness;
mod exemptions;
mod features;
mod operator_spec;
mod plugin;
mod run;
mod runtime;
mod server;
mod spec;
mod start;
mod token_endpoint;

pub(crate) use self::exemptions::Exemptions;
pub(crate) use self::features::Features;
pub(crate) use self::plugin::LoadedPlugin;
pub(crate) use self::run::{Run, RunDestination};
pub(crate) use self::runtime::install_crypto;
pub(crate) use self::spec::spec_for_settings;
pub use self::start::{run, run_at_both_endpoints};
