//! Calling: how an issuer of a loaded plugin is called, and how its answers are checked.
//!
//! `plugin_issuer` drives the steps of a request through a `backend`: `in_process`, or the one of
//! [`runner`](crate::runner). `answer` parses and limits what comes back; the engine compares an issued credential with its
//! grant.

pub(crate) mod answer;
pub(crate) mod backend;
mod call_outcome;
mod configure_threads;
pub(crate) mod health;
pub(crate) mod in_process;
pub(crate) mod kept_values;
pub(crate) mod pausable;
mod piece_filter;
pub(crate) mod plugin_issuer;
pub(crate) mod plugin_log;
pub(crate) mod secret_encodings;
pub(crate) mod secret_mask;
pub(crate) mod secret_settings;
