//! Why something cannot be written to the directory, or read for a change.

use locum_store::documents::InvalidDocument;

use crate::error::DatabaseError;
use crate::sealing::{Row, SealingError};

/// Why a tenant, client or user cannot be written, or read for a change. No text shows a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The database reports an error.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database did not answer.
    #[error(transparent)]
    Unavailable(#[from] DatabaseError),
    /// A document breaks a rule.
    #[error("{row}: {error}")]
    Invalid {
        /// Which one.
        row: String,
        /// All that is wrong.
        error: InvalidDocument,
    },
    /// What is in a row cannot be opened or sealed.
    #[error("{row}: {error}")]
    Sealed {
        /// Which one.
        row: String,
        /// Why.
        error: SealingError,
    },
    /// There is a tenant with this domain already.
    #[error("there is a tenant {domain} already; replace it with --replace, or delete it first")]
    TenantExists {
        /// The domain.
        domain: String,
    },
    /// Another tenant answers on every other host already.
    #[error("{tenant} and {other} are both marked `default`; only one tenant can answer on every host")]
    TwoDefaults {
        /// The tenant.
        tenant: String,
        /// The other one.
        other: String,
    },
    /// Another client lists the resource already.
    #[error("the clients {client_id} and {other} both list the resource {resource}; leave it to one of them")]
    ResourceTwice {
        /// The client.
        client_id: String,
        /// The URI.
        resource: String,
        /// The other one.
        other: String,
    },
}

impl WriteError {
    pub(crate) fn invalid(row: Row<'_>, error: InvalidDocument) -> Self {
        Self::Invalid { row: row.to_string(), error }
    }

    pub(crate) fn sealed(row: Row<'_>, error: SealingError) -> Self {
        Self::Sealed { row: row.to_string(), error }
    }
}
