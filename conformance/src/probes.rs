//! Probes: cases that follow from a plugin's manifest and need no fixture file.

mod context;
mod manifest;
mod probe;
mod purity;
mod settings;

pub(crate) use self::probe::{PROBES, Probe};
