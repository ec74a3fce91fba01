//! Where tenants are: in a database, which reads and writes their documents, or in files, which are read only.

mod database;
mod files;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use locum_database::directory::{DatabaseDirectory, Page};
use locum_server::PUBLISHED_MAX_AGE_SECONDS;
use locum_store::documents::{Document, FileTenants};

use crate::error::ApiError;

/// The tenants that are managed. They must be those of the engine.
#[derive(Clone)]
pub enum ManagedTenants {
    /// They are in a database.
    Database(Arc<DatabaseDirectory>),
    /// They are in files. Whoever changes them edits these.
    Files(Arc<FileTenants>),
}

/// Reads documents of tenants.
pub(crate) trait Documents: Send + Sync {
    /// The tenant with this domain.
    fn tenant<'a>(&'a self, domain: &'a str) -> Reading<'a, Option<Stored>>;
    fn client<'a>(&'a self, tenant: &'a str, client_id: &'a str) -> Reading<'a, Option<Stored>>;
    fn user<'a>(&'a self, tenant: &'a str, user_id: &'a str) -> Reading<'a, Option<Stored>>;
    fn clients<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed>;
    fn users<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed>;
    /// The users with an email address, in whichever case it is written: at most `count`, after the first `start`.
    fn users_by_email<'a>(
        &'a self,
        tenant: &'a str,
        email: &'a str,
        start: u32,
        count: u32,
    ) -> Reading<'a, Listed>;
}

/// What is being read.
pub(crate) type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// A document.
pub(crate) struct Stored {
    pub(crate) document: Document,
    /// How often it was written; `None` if nobody counts.
    pub(crate) version: Option<i64>,
}

/// A part of a list.
pub(crate) struct Listed {
    /// The documents with their ids, in the order of these.
    pub(crate) entries: Vec<(String, Document)>,
    /// How many there are in all.
    pub(crate) total: u64,
}

impl ManagedTenants {
    /// Reads them.
    pub(crate) fn documents(&self) -> &dyn Documents {
        match self {
            Self::Database(directory) => &**directory,
            Self::Files(tenants) => &**tenants,
        }
    }

    /// How long a key must be published before everybody knows it, in seconds: a server that cannot reach the database goes on to
    /// publish what it knows, and whoever fetches that may keep it.
    pub(crate) fn publishing_seconds(&self) -> i64 {
        let stale = match self {
            Self::Database(directory) => directory.stale_max(),
            Self::Files(_) => Duration::ZERO,
        };
        i64::try_from(stale.as_secs().saturating_add(PUBLISHED_MAX_AGE_SECONDS)).unwrap_or(i64::MAX)
    }

    /// Where a tenant is written.
    ///
    /// # Errors
    /// It is in a file: the message names it.
    pub(crate) fn writable(&self, domain: &str) -> Result<&DatabaseDirectory, ApiError> {
        match self {
            Self::Database(directory) => Ok(directory),
            Self::Files(tenants) => {
                let tenant = tenants.tenant(domain);
                let file =
                    tenant.map_or_else(|| "its file".to_owned(), |held| held.file().display().to_string());
                Err(ApiError::conflict(
                    "tenant_in_file",
                    format!(
                        "this tenant comes from {file}: edit that file, and send the server SIGHUP to reload it"
                    ),
                ))
            }
        }
    }
}
