//! Probes: cases that follow from a plugin's manifest and need no fixture file.

mod answered;
mod attribute_names;
mod context;
mod corrected_values;
mod harmless;
mod hostile_attributes;
mod hostile_parameters;
mod kept_state;
mod kept_values;
mod manifest;
mod probe;
mod purity;
mod second_values;
mod secret_settings;
mod settings;
mod stated_expiry;
mod two_processes;
mod unconfirmed_revocation;
mod unverified_address;

pub(crate) use self::probe::{PROBES, Probe};
