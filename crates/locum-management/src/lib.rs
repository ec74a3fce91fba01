//! The Management API: clients, users and settings of tenants in a database, over HTTP, as Auth0's tools call it.
//!
//! ```text
//! router ──► serving ──► call ──► handler     of a resource: clients, client_grants, users, …
//!              │                     │
//!              │                     └─ a change is recorded in the audit log, and then committed
//!              │  token, scope, rate limit, query, body; a refusal is recorded
//!              ▼
//!            answer, or error in Auth0's shape
//! ```
//!
//! Each endpoint is one entry of a table (`table`): the router, the checks before a handler runs, and the OpenAPI description
//! are made of it, so that they cannot differ.
//!
//! Who may call is decided by the engine ([`locum_engine::Engine::management_caller`]); what a document may say by
//! [`locum_store::documents`].

mod answer;
mod body;
mod call;
mod client_grants;
mod clients;
mod device_credentials;
mod endpoint;
mod error;
mod identities;
mod limits;
mod merge;
mod openapi;
mod paging;
mod parameter;
mod query;
mod random;
mod router;
mod schema;
mod secrets;
mod service;
mod serving;
mod setting_names;
mod table;
mod tenant_settings;
mod users;

pub use axum::Router;

pub use router::{Management, router};
