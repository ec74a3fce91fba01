//! HTTP: an axum router around an engine; the only crate that knows HTTP.
//!
//! ```text
//! TCP ── serve ──► router ──► one file for each path
//!                             delegation      POST (JSON or form), preflight
//!                             jsonp           GET /delegation, where a tenant wants it
//!                             revocation      POST /oauth/revoke
//!                             keys, discovery what verifiers read
//!                             saml_metadata   what AWS and SAP set up their trust with
//!                             health          what orchestrators read
//! ```
//!
//! A request becomes parameters and a [`Caller`](locum_engine::Caller); an answer of the engine becomes a response in
//! one place, `wire`. Nothing here decides who may have what.
//!
//! What it does not do: TLS and HTTP/2, which belong to the proxy in front; access logs, since a query string may hold
//! a token.

mod attempt;
mod caller;
mod contain;
mod cors;
mod delegation;
mod discovery;
mod form;
mod health;
mod host;
mod jsonp;
mod keys;
mod media_type;
mod options;
mod origins;
mod parameters;
mod proxies;
mod revocation;
mod router;
mod saml_metadata;
mod serve;
mod shared;
mod wire;

pub use options::{Limits, ServerOptions};
pub use router::router;
pub use serve::{Drained, serve};
