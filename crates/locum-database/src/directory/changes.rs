//! The table of changes: what was written, in the order in which it became visible.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AnyConnection, Row};

use crate::database::Database;
use crate::directory::entries::{Key, Kind};
use crate::error::DatabaseError;
use crate::server::Server;

/// What PostgreSQL tells its listeners by when a transaction with changes is committed.
pub(crate) const CHANNEL: &str = "locum_changes";

/// Most changes that are read at once.
pub(crate) const READ_AT_ONCE: u16 = 1000;

/// How long changes are kept, in seconds. A server that did not read them in this time forgets all that it has in memory.
pub(crate) const KEPT_SECONDS: i64 = 3600;

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Changed {
    /// The tenant's own settings.
    Tenant(String),
    /// The tenant with everything in it.
    Everything(String),
    /// A row of a tenant.
    Entry(Key),
}

impl Changed {
    /// Tenant, kind and id, as the table has them.
    fn columns(&self) -> (&str, &'static str, &str) {
        match self {
            Self::Tenant(domain) => (domain, "tenant", ""),
            Self::Everything(domain) => (domain, "everything", ""),
            Self::Entry(key) => (&key.tenant, key.kind.name(), &key.id),
        }
    }

    /// A kind that this program does not know was written by a later one: then everything of the tenant may be another.
    fn of_columns(tenant: String, kind: &str, id: &str) -> Self {
        match (kind, Kind::of_name(kind)) {
            ("tenant", _) => Self::Tenant(tenant),
            (_, Some(kind)) => Self::Entry(Key::new(kind, &tenant, id)),
            (_, None) => Self::Everything(tenant),
        }
    }
}

/// What was read of the changes after a point.
pub(crate) enum Read {
    /// These, in order, and the point after them. There may be more if they are [`READ_AT_ONCE`].
    Changes(Vec<Changed>, i64),
    /// Some after the point are not kept any more, or the database is an earlier copy of itself. What was known before is
    /// nothing; this is the point after the last change.
    Lost(i64),
}

/// The point after the last change.
pub(crate) async fn latest(database: &Database) -> Result<i64, DatabaseError> {
    let latest = sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM changes");
    database.call(latest.fetch_one(database.pool())).await
}

/// The changes after a point.
pub(crate) async fn after(database: &Database, point: i64) -> Result<Read, DatabaseError> {
    database.call(read_after(database, point)).await
}

async fn read_after(database: &Database, point: i64) -> Result<Read, sqlx::Error> {
    // SQLite finds each at an end of the table, but not both of one SELECT.
    let kept = sqlx::query(
        "SELECT coalesce((SELECT min(sequence) FROM changes), 0), coalesce((SELECT max(sequence) FROM changes), 0)",
    );
    let kept = kept.fetch_one(database.pool()).await?;
    let (first, last): (i64, i64) = (kept.try_get(0)?, kept.try_get(1)?);
    if last < point || first > point + 1 {
        return Ok(Read::Lost(last));
    }
    if last == point {
        return Ok(Read::Changes(Vec::new(), point));
    }
    let rows = sqlx::query(
        "SELECT sequence, tenant, kind, id FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2",
    )
    .bind(point)
    .bind(i64::from(READ_AT_ONCE))
    .fetch_all(database.pool())
    .await?;
    let mut point = point;
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        point = row.try_get(0)?;
        let kind: String = row.try_get(2)?;
        let id: String = row.try_get(3)?;
        changes.push(Changed::of_columns(row.try_get(1)?, &kind, &id));
    }
    Ok(Read::Changes(changes, point))
}

/// Writes changes, in a transaction that has locked them.
pub(crate) async fn write(
    server: Server,
    connection: &mut AnyConnection,
    changed: &BTreeSet<Changed>,
) -> Result<(), sqlx::Error> {
    for changed in changed {
        let (tenant, kind, id) = changed.columns();
        sqlx::query("INSERT INTO changes (tenant, kind, id, changed_at) VALUES ($1, $2, $3, $4)")
            .bind(tenant)
            .bind(kind)
            .bind(id)
            .bind(now())
            .execute(&mut *connection)
            .await?;
    }
    if server == Server::Postgres && !changed.is_empty() {
        sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(connection).await?;
    }
    Ok(())
}

/// Unix seconds. They only tell how long a change is kept.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
