//! Whole tenants: from tenant files into the database, and back.

use std::sync::Arc;

use locum_store::documents::{self, Document, TenantDocuments};
use sqlx::{AnyConnection, Row as _};

use crate::database::Database;
use crate::directory::write_error::WriteError;
use crate::directory::writes::DirectoryWrite;
use crate::sealing::{self, MasterKeys, Row};

/// What happens to a tenant that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing is imported.
    Refuse,
    /// It is deleted with its clients and users, and replaced. Refresh tokens stay.
    Replace,
}

/// Writes tenants with all their clients and users, in one transaction.
///
/// # Errors
/// The database is unavailable, a document breaks a rule, or a tenant is there already and must not be replaced.
pub async fn import(
    database: &Database,
    keys: &Arc<MasterKeys>,
    tenants: &[TenantDocuments],
    existing: Existing,
) -> Result<(), WriteError> {
    let mut write = DirectoryWrite::begin(database, Arc::clone(keys)).await?;
    write.lift_limits().await?;
    for tenant in tenants {
        import_one(&mut write, tenant, existing).await?;
    }
    write.commit().await
}

async fn import_one(
    write: &mut DirectoryWrite,
    documents: &TenantDocuments,
    existing: Existing,
) -> Result<(), WriteError> {
    let TenantDocuments { domain, tenant, clients, users, .. } = documents;
    let replaced = write.delete_tenant(domain).await?;
    if replaced && existing == Existing::Refuse {
        return Err(WriteError::TenantExists { domain: domain.clone() });
    }
    write.put_tenant(domain, tenant).await?;
    let (tenant, _) = documents::tenant(domain, tenant.expose())
        .map_err(|error| WriteError::invalid(Row::tenant(domain), error))?;
    for (client_id, document) in clients {
        write.put_client(&tenant, client_id, document).await?;
    }
    for (user_id, document) in users {
        write.put_user(domain, user_id, document).await?;
    }
    Ok(())
}

/// The domains of all tenants, in order.
///
/// # Errors
/// The database is unavailable.
pub async fn domains(database: &Database) -> Result<Vec<String>, WriteError> {
    let domains = sqlx::query_scalar("SELECT domain FROM tenants ORDER BY domain");
    Ok(domains.fetch_all(database.pool()).await?)
}

/// A tenant with all its clients and users, in the order of their ids; `None` if there is no such tenant.
///
/// # Errors
/// The database is unavailable, or a row cannot be opened.
pub async fn export(
    database: &Database,
    keys: &MasterKeys,
    domain: &str,
) -> Result<Option<TenantDocuments>, WriteError> {
    // One moment for all three: what is written meanwhile is in all of them or in none.
    let mut snapshot = database.begin_snapshot().await?;
    let tenant: Option<String> = sqlx::query_scalar("SELECT document FROM tenants WHERE domain = $1")
        .bind(domain)
        .fetch_optional(&mut *snapshot)
        .await?;
    let Some(tenant) = tenant else { return Ok(None) };
    let open = |row: Row<'_>, sealed: &str| -> Result<Document, WriteError> {
        sealing::open(row, sealed, keys).map_err(|error| WriteError::sealed(row, error))
    };
    let tenant = open(Row::tenant(domain), &tenant)?;
    let clients = listed(
        &mut snapshot,
        "SELECT client_id, document FROM clients WHERE tenant = $1 ORDER BY client_id",
        domain,
        |id, sealed| open(Row::client(domain, id), sealed),
    );
    let clients = clients.await?;
    let users = listed(
        &mut snapshot,
        "SELECT user_id, document FROM users WHERE tenant = $1 ORDER BY user_id",
        domain,
        |id, sealed| open(Row::user(domain, id), sealed),
    );
    let users = users.await?;
    Ok(Some(TenantDocuments { domain: domain.to_owned(), tenant, clients, users }))
}

/// The rows of a tenant that a statement selects, opened.
async fn listed(
    connection: &mut AnyConnection,
    select: &'static str,
    domain: &str,
    open: impl Fn(&str, &str) -> Result<Document, WriteError>,
) -> Result<Vec<(String, Document)>, WriteError> {
    let rows = sqlx::query(select).bind(domain).fetch_all(connection).await?;
    let opened = rows.into_iter().map(|row| {
        let (id, sealed): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let document = open(&id, &sealed)?;
        Ok((id, document))
    });
    opened.collect()
}
