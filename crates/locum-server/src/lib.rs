//! HTTP: an axum router around an engine; the way of a request to it and back.
//!
//! ```text
//! TCP ── serve ──► router ──► endpoint     one file for each path
//!                                │ request    bytes → parameters and caller
//!                                │ execution  the engine, within bounds
//!                                ▼ response   an answer → body and headers
//! ```
//!
//! Nothing here decides who may have what.
//!
//! Not part of it: TLS and HTTP/2, which belong to the proxy in front; access logs, since a query string may hold a
//! token.

mod endpoint;
mod execution;
mod monitoring;
mod options;
mod panics;
mod refusals;
mod request;
mod response;
mod router;
mod serve;
mod state;

pub use monitoring::{MetricsFormat, Monitoring, WaitingFor, monitoring_router};
pub use options::{Limits, ServerOptions};
pub use request::{TrustedProxies, bearer_token, caller};
pub use response::PUBLISHED_MAX_AGE_SECONDS;
pub use router::router;
pub use serve::{Drained, serve};
