//! The Management API: clients, users, keys and settings of tenants, over HTTP, as Auth0's tools call it.
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
//! Tenants are read where they are, in a database or in files (`directory`), and changed in a database only.
//!
//! Who may call is decided by the engine ([`locum_engine::Engine::management_caller`]); what a document may say by
//! [`locum_store::documents`].

mod answer;
mod body;
mod call;
mod client_grants;
mod clients;
mod device_credentials;
mod directory;
mod endpoint;
mod error;
mod identities;
mod limits;
mod merge;
mod moment;
mod openapi;
mod own;
mod paging;
mod parameter;
mod query;
mod random;
mod router;
mod schema;
mod secrets;
mod server_view;
mod service;
mod serving;
mod setting_names;
mod signing_keys;
mod table;
mod tenant_settings;
mod users;

pub use axum::Router;

pub use directory::ManagedTenants;
pub use router::{Management, router};
pub use server_view::{IssuerKeysView, PauseView, PluginView, ServerView};
