//! A plugin served to its author: with the settings of its plugin spec as a tenant, scripted upstreams, and requests to paste.

mod audit_lines;
mod session;
mod upstreams;

pub use self::session::{DevOptions, DevSession};
