//! Reads documents of the database as they are now: one alone, and lists in pages.
//!
//! What is read here is not what requests are served with, which is in memory, but what an administrator sees and changes.

use std::sync::Arc;
use std::time::Duration;

use locum_store::documents::DocumentKind;
use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};

use crate::database::Database;
use crate::directory::write_error::WriteError;
use crate::directory::{DatabaseDirectory, DirectoryWrite, Stored};
use crate::sealing::{self, MasterKeys, Row};

/// Which entries of a list are read, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// Those after so many others. While entries are added or deleted, one may be in two pages or in none.
    Offset {
        /// How many are left out.
        start: u32,
        /// At most so many.
        count: u32,
    },
    /// Those whose ids follow this one; an empty id is before all others. An entry that is there all the time is in exactly one
    /// page, whatever is added or deleted meanwhile.
    After {
        /// The last id of the page before.
        id: String,
        /// At most so many.
        count: u32,
    },
}

/// A part of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The entries with their ids, in the order of these.
    pub entries: Vec<(String, Stored)>,
    /// How many there are in all.
    pub total: u64,
}

/// Reads documents.
#[derive(Clone)]
pub struct DirectoryReader {
    database: Database,
    keys: Arc<MasterKeys>,
}

impl DirectoryReader {
    /// Reads from this database, and opens what is sealed with these keys.
    pub fn new(database: Database, keys: Arc<MasterKeys>) -> Self {
        Self { database, keys }
    }

    /// The tenant with this domain.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn tenant(&self, domain: &str) -> Result<Option<Stored>, WriteError> {
        let select =
            sqlx::query("SELECT domain, document, version FROM tenants WHERE domain = $1").bind(domain);
        let row = self.database.call(select.fetch_optional(self.database.pool())).await?;
        let read = row.map(|row| self.stored(DocumentKind::Tenant, domain, &row)).transpose()?;
        Ok(read.map(|(_, stored)| stored))
    }

    /// The client with this id.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn client(&self, tenant: &str, client_id: &str) -> Result<Option<Stored>, WriteError> {
        let select = "SELECT client_id, document, version FROM clients WHERE tenant = $1 AND client_id = $2";
        self.one(DocumentKind::Client, select, tenant, client_id).await
    }

    /// The user with this id.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn user(&self, tenant: &str, user_id: &str) -> Result<Option<Stored>, WriteError> {
        let select = "SELECT user_id, document, version FROM users WHERE tenant = $1 AND user_id = $2";
        self.one(DocumentKind::User, select, tenant, user_id).await
    }

    /// Clients of a tenant.
    ///
    /// # Errors
    /// The database is unavailable, or a row cannot be opened.
    pub async fn clients(&self, tenant: &str, page: &Page) -> Result<Listed, WriteError> {
        let selects = Selects {
            total: "SELECT count(*) FROM clients WHERE tenant = $1",
            offset: "SELECT client_id, document, version FROM clients WHERE tenant = $1 ORDER BY client_id LIMIT $2 OFFSET $3",
            after: "SELECT client_id, document, version FROM clients WHERE tenant = $1 AND client_id > $3 ORDER BY client_id LIMIT $2",
        };
        self.listed(DocumentKind::Client, selects, tenant, page).await
    }

    /// Users of a tenant.
    ///
    /// # Errors
    /// The database is unavailable, or a row cannot be opened.
    pub async fn users(&self, tenant: &str, page: &Page) -> Result<Listed, WriteError> {
        let selects = Selects {
            total: "SELECT count(*) FROM users WHERE tenant = $1",
            offset: "SELECT user_id, document, version FROM users WHERE tenant = $1 ORDER BY user_id LIMIT $2 OFFSET $3",
            after: "SELECT user_id, document, version FROM users WHERE tenant = $1 AND user_id > $3 ORDER BY user_id LIMIT $2",
        };
        self.listed(DocumentKind::User, selects, tenant, page).await
    }

    /// The users with this email address, in whichever case it is written: at most `count`, after the first `start`.
    ///
    /// # Errors
    /// The database is unavailable, or a row cannot be opened.
    pub async fn users_by_email(
        &self,
        tenant: &str,
        email: &str,
        start: u32,
        count: u32,
    ) -> Result<Listed, WriteError> {
        let email = email.to_lowercase();
        let read = async {
            let mut snapshot = self.database.begin_snapshot().await?;
            let total = sqlx::query_scalar("SELECT count(*) FROM users WHERE tenant = $1 AND email = $2");
            let total = total.bind(tenant).bind(&email).fetch_one(&mut *snapshot).await?;
            let rows = sqlx::query(
                "SELECT user_id, document, version FROM users WHERE tenant = $1 AND email = $2 ORDER BY user_id LIMIT $3 OFFSET $4",
            );
            let rows = rows.bind(tenant).bind(&email).bind(i64::from(count)).bind(i64::from(start));
            Ok((total, rows.fetch_all(&mut *snapshot).await?))
        };
        let (total, rows) = self.database.call(read).await?;
        self.opened(DocumentKind::User, tenant, total, &rows)
    }

    async fn one(
        &self,
        kind: DocumentKind,
        select: &'static str,
        tenant: &str,
        id: &str,
    ) -> Result<Option<Stored>, WriteError> {
        let select = sqlx::query(select).bind(tenant).bind(id);
        let row = self.database.call(select.fetch_optional(self.database.pool())).await?;
        let read = row.map(|row| self.stored(kind, tenant, &row)).transpose()?;
        Ok(read.map(|(_, stored)| stored))
    }

    async fn listed(
        &self,
        kind: DocumentKind,
        selects: Selects,
        tenant: &str,
        page: &Page,
    ) -> Result<Listed, WriteError> {
        let read = async {
            let mut snapshot = self.database.begin_snapshot().await?;
            selects.run(&mut snapshot, tenant, page).await
        };
        let (total, rows) = self.database.call(read).await?;
        self.opened(kind, tenant, total, &rows)
    }

    fn opened(
        &self,
        kind: DocumentKind,
        tenant: &str,
        total: i64,
        rows: &[AnyRow],
    ) -> Result<Listed, WriteError> {
        let entries = rows.iter().map(|row| self.stored(kind, tenant, row)).collect::<Result<_, _>>()?;
        Ok(Listed { entries, total: total.unsigned_abs() })
    }

    /// The id and the document of a row of id, document and version.
    fn stored(&self, kind: DocumentKind, tenant: &str, row: &AnyRow) -> Result<(String, Stored), WriteError> {
        let id: String = row.try_get(0)?;
        let sealed: String = row.try_get(1)?;
        let place = match kind {
            DocumentKind::Tenant => Row::tenant(tenant),
            DocumentKind::Client => Row::client(tenant, &id),
            DocumentKind::User => Row::user(tenant, &id),
        };
        let document =
            sealing::open(place, &sealed, &self.keys).map_err(|error| WriteError::sealed(place, error))?;
        Ok((id, Stored { document, version: row.try_get(2)? }))
    }
}

/// The statements of a list.
struct Selects {
    total: &'static str,
    offset: &'static str,
    after: &'static str,
}

impl Selects {
    async fn run(
        &self,
        snapshot: &mut Transaction<'static, Any>,
        tenant: &str,
        page: &Page,
    ) -> Result<(i64, Vec<AnyRow>), sqlx::Error> {
        let total = sqlx::query_scalar(self.total).bind(tenant).fetch_one(&mut **snapshot).await?;
        let rows = match page {
            Page::Offset { start, count } => {
                sqlx::query(self.offset).bind(tenant).bind(i64::from(*count)).bind(i64::from(*start))
            }
            Page::After { id, count } => {
                sqlx::query(self.after).bind(tenant).bind(i64::from(*count)).bind(id.as_str())
            }
        };
        Ok((total, rows.fetch_all(&mut **snapshot).await?))
    }
}

impl DatabaseDirectory {
    /// Reads documents with the keys that the directory has now.
    pub fn reader(&self) -> DirectoryReader {
        DirectoryReader::new(self.rows.database.clone(), self.rows.keys.load_full())
    }

    /// Begins to write with the keys that the directory has now.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn begin_write(&self) -> Result<DirectoryWrite, WriteError> {
        DirectoryWrite::begin(&self.rows.database, self.rows.keys.load_full()).await
    }

    /// How long what is kept is used while the database cannot be reached: so long a server may not know of a change.
    pub fn stale_max(&self) -> Duration {
        self.freshness.stale_max()
    }
}
