//! Tenants, clients and users as documents: JSON texts with the fields of a tenant file, for stores that keep each alone.
//!
//! ```text
//! from_tenant_file ── a file, validated as a whole, taken apart; its references are resolved
//! tenant, client, user ── one document, validated alone by the same code; `${` is plain text in it
//! to_tenant_file ── documents put together again: from_tenant_file gives the same ones
//! ```
//!
//! A document has its own `domain`, `client_id` or `user_id`, and the fields that Locum does not use. What two documents
//! must not both say, such as one resource of two clients, is for the store to check.

mod client_grants;
mod document;
mod file_tenants;
mod json;
mod kind;
mod one;
mod tenant_documents;

pub use document::{Document, InvalidDocument};
pub use file_tenants::{FileTenant, FileTenants, ManagedTenantFile, load_managed};
pub use kind::{DEPTH_MAX, DocumentKind};
pub use one::{CLIENT_FIELDS, client, tenant, user};
pub use tenant_documents::{TenantDocuments, from_tenant_file, to_tenant_file};

pub use crate::tenant_file::FieldError;
