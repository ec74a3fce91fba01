//! Which document it is.

use std::fmt;

use locum_store::documents::DocumentKind;

/// A document's place in the database. What is sealed in one place does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    kind: DocumentKind,
    tenant: &'a str,
    id: &'a str,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DocumentKind::Tenant => f.write_str(self.tenant),
            DocumentKind::Client | DocumentKind::User => {
                write!(f, "{}: the {} {}", self.tenant, self.kind, self.id)
            }
        }
    }
}

impl<'a> Row<'a> {
    /// The document of the tenant with this domain.
    pub const fn tenant(domain: &'a str) -> Self {
        Self { kind: DocumentKind::Tenant, tenant: domain, id: "" }
    }

    /// The document of a client of a tenant.
    pub const fn client(domain: &'a str, client_id: &'a str) -> Self {
        Self { kind: DocumentKind::Client, tenant: domain, id: client_id }
    }

    /// The document of a user of a tenant.
    pub const fn user(domain: &'a str, user_id: &'a str) -> Self {
        Self { kind: DocumentKind::User, tenant: domain, id: user_id }
    }

    /// The tenant's domain.
    pub(crate) fn domain(&self) -> &'a str {
        self.tenant
    }

    /// The id of the client or the user; empty for a tenant.
    pub(crate) fn id(&self) -> &'a str {
        self.id
    }

    /// What the document describes.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The row as bytes, for a purpose, with a field of it or an empty text. Each part has its length in front, so that no
    /// two rows are the same bytes. What is sealed opens with the same bytes only: never change them.
    pub(super) fn bytes(&self, purpose: &str, field: &str) -> Vec<u8> {
        let kind = match self.kind {
            DocumentKind::Tenant => "tenant",
            DocumentKind::Client => "client",
            DocumentKind::User => "user",
        };
        let mut bytes = Vec::new();
        for part in [purpose, kind, self.tenant, self.id, field] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}
