//! Reads rows: opens what is sealed, checks it as a tenant file is checked, and prepares it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use locum_engine::ports::{Issuers, StoreUnavailable};
use locum_engine::prepared::{PreparedClient, PreparedTenant};
use locum_store::documents;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tokio::task::JoinError;

use crate::database::Database;
use crate::directory::entries::{Entry, Key, Kind};
use crate::directory::tenants::TenantRow;
use crate::error::DatabaseError;
use crate::sealing::{self, MasterKeys, Row};

/// Why there is no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What is in the row cannot be used. It shows no value of the row.
    #[error("{0}")]
    Unusable(String),
}

/// The rows of the directory.
pub(crate) struct Rows {
    pub(crate) database: Database,
    pub(crate) keys: ArcSwap<MasterKeys>,
}

/// A tenant of the directory, and whether it answers on every host that is not the domain of a tenant.
pub(crate) struct ReadTenant {
    pub(crate) domain: String,
    pub(crate) row: TenantRow,
    pub(crate) is_default: bool,
}

impl Rows {
    /// All tenants.
    pub(crate) async fn tenants(&self) -> Result<Vec<ReadTenant>, DatabaseError> {
        let rows = sqlx::query("SELECT domain, document, is_default FROM tenants ORDER BY domain")
            .fetch_all(self.database.pool());
        let rows = self.database.call(rows).await?;
        let keys = self.keys.load_full();
        // Each of its keys signs once.
        let read = tokio::task::spawn_blocking(move || rows.iter().map(|row| tenant(row, &keys)).collect());
        let read: Result<_, sqlx::Error> = read.await.map_err(panicked).flatten();
        read.map_err(|cause| self.database.failed(cause))
    }

    /// The tenant with this domain.
    pub(crate) async fn tenant(&self, domain: &str) -> Result<Option<ReadTenant>, DatabaseError> {
        let read = async {
            let row = sqlx::query("SELECT domain, document, is_default FROM tenants WHERE domain = $1")
                .bind(domain)
                .fetch_optional(self.database.pool())
                .await?;
            row.map(|row| tenant(&row, &self.keys.load())).transpose()
        };
        self.database.call(read).await
    }

    /// What is at a key.
    pub(crate) async fn entry(
        &self,
        key: &Key,
        tenant: Arc<PreparedTenant>,
        issuers: Arc<dyn Issuers>,
    ) -> Result<Entry, RowError> {
        let select = match key.kind {
            Kind::Client => "SELECT document FROM clients WHERE tenant = $1 AND client_id = $2",
            Kind::User => "SELECT document FROM users WHERE tenant = $1 AND user_id = $2",
            Kind::Origin => "SELECT client_id FROM origins WHERE tenant = $1 AND origin = $2 LIMIT 1",
            Kind::Resource => "SELECT client_id FROM resources WHERE tenant = $1 AND resource = $2",
        };
        let found = sqlx::query_scalar::<_, String>(select)
            .bind(&*key.tenant)
            .bind(&*key.id)
            .fetch_optional(self.database.pool());
        let Some(found) = self.database.call(found).await? else { return Ok(Entry::absent()) };
        match key.kind {
            Kind::Origin => Ok(Entry::Origin),
            Kind::Resource => Ok(Entry::Resource(found.into())),
            Kind::User => self.user(key, &found),
            Kind::Client => self.client(key, found, tenant, issuers).await,
        }
    }

    fn user(&self, key: &Key, sealed: &str) -> Result<Entry, RowError> {
        let document =
            sealing::open(Row::user(&key.tenant, &key.id), sealed, &self.keys.load()).map_err(unusable)?;
        let user = documents::user(&key.id, document.expose()).map_err(unusable)?;
        Ok(Entry::User(Arc::new(user), sealed.len()))
    }

    /// A plugin may take its time to be configured, which would keep a worker thread from other requests.
    async fn client(
        &self,
        key: &Key,
        sealed: String,
        tenant: Arc<PreparedTenant>,
        issuers: Arc<dyn Issuers>,
    ) -> Result<Entry, RowError> {
        let (key, keys) = (key.clone(), self.keys.load_full());
        let prepare = move || {
            let document =
                sealing::open(Row::client(&key.tenant, &key.id), &sealed, &keys).map_err(unusable)?;
            let client = documents::client(&key.id, document.expose(), tenant.tenant()).map_err(unusable)?;
            let client = PreparedClient::prepare(&tenant, client, &*issuers);
            Ok(Entry::Client(Arc::new(client), sealed.len()))
        };
        tokio::task::spawn_blocking(prepare).await.map_err(unusable)?
    }
}

/// A plugin or a library has panicked.
pub(crate) fn panicked(panic: JoinError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(panic))
}

fn unusable(why: impl std::fmt::Display) -> RowError {
    RowError::Unusable(why.to_string())
}

fn tenant(row: &AnyRow, keys: &MasterKeys) -> Result<ReadTenant, sqlx::Error> {
    let domain: String = row.try_get(0)?;
    let sealed: String = row.try_get(1)?;
    let is_default: i64 = row.try_get(2)?;
    let prepared = prepare_tenant(&domain, &sealed, keys);
    let row = prepared.map_or_else(
        |why| {
            tracing::error!(tenant = %domain, "the tenant's row cannot be used: {why}");
            TenantRow::Unusable(StoreUnavailable(format!("the row of the tenant {domain}: {why}")))
        },
        |tenant| TenantRow::Served(Arc::new(tenant)),
    );
    Ok(ReadTenant { domain, row, is_default: is_default != 0 })
}

fn prepare_tenant(domain: &str, sealed: &str, keys: &MasterKeys) -> Result<PreparedTenant, String> {
    let document = sealing::open(Row::tenant(domain), sealed, keys).map_err(|why| why.to_string())?;
    let (tenant, _) = documents::tenant(domain, document.expose()).map_err(|why| why.to_string())?;
    PreparedTenant::prepare(tenant).map_err(|why| why.to_string())
}
