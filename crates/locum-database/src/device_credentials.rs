//! Lists the refresh tokens of a user by family: a family is what a device was given when its user signed in.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::database::Database;
use crate::error::DatabaseError;

/// A family of refresh tokens of which at least one can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceCredential {
    /// The name of the family, which is random and no secret.
    pub family: String,
    /// The client that can present the tokens.
    pub client_id: String,
    /// The user's id.
    pub user_id: String,
    /// What the device was called.
    pub device: Option<String>,
}

/// Whose families are listed, and which of them in the order of their names.
#[derive(Debug, Clone, Copy)]
pub struct DeviceQuery<'a> {
    /// The tenant's domain.
    pub tenant: &'a str,
    /// The user's id.
    pub user_id: &'a str,
    /// Only those of this client.
    pub client_id: Option<&'a str>,
    /// How many are left out.
    pub start: u32,
    /// At most so many.
    pub count: u32,
    /// The time, in unix seconds.
    pub now: i64,
}

/// Which rows can be used, of a tenant, at a time.
macro_rules! usable {
    () => {
        "tenant = $1 AND revoked_at IS NULL AND rotated_at IS NULL
         AND (expires_at IS NULL OR expires_at > $2) AND (idle_expires_at IS NULL OR idle_expires_at > $2)"
    };
}

impl Database {
    /// The families, and how many there are in all.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn device_credentials(
        &self,
        query: DeviceQuery<'_>,
    ) -> Result<(Vec<DeviceCredential>, u64), DatabaseError> {
        self.call(async {
            let mut snapshot = self.begin_snapshot().await?;
            listed(&mut snapshot, query).await
        })
        .await
    }

    /// The family with this name.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn device_credential(
        &self,
        tenant: &str,
        family: &str,
        now: i64,
    ) -> Result<Option<DeviceCredential>, DatabaseError> {
        let select = concat!(
            "SELECT family, client_id, user_id, device FROM refresh_tokens WHERE ",
            usable!(),
            " AND family = $3 ORDER BY created_at LIMIT 1"
        );
        let row = sqlx::query(select).bind(tenant).bind(now).bind(family).fetch_optional(self.pool());
        self.call(async { row.await?.as_ref().map(credential).transpose() }).await
    }
}

async fn listed(
    snapshot: &mut Transaction<'static, Any>,
    query: DeviceQuery<'_>,
) -> Result<(Vec<DeviceCredential>, u64), sqlx::Error> {
    let DeviceQuery { tenant, user_id, client_id, start, count, now } = query;
    let total = concat!(
        "SELECT count(DISTINCT family) FROM refresh_tokens WHERE ",
        usable!(),
        " AND user_id = $3 AND ($4 = '' OR client_id = $4)"
    );
    let client_id = client_id.unwrap_or_default();
    let total = sqlx::query_scalar::<_, i64>(total).bind(tenant).bind(now).bind(user_id).bind(client_id);
    let total = total.fetch_one(&mut **snapshot).await?;
    let select = concat!(
        "SELECT family, client_id, user_id, max(device) AS device FROM refresh_tokens WHERE ",
        usable!(),
        " AND user_id = $3 AND ($4 = '' OR client_id = $4)
         GROUP BY family, client_id, user_id ORDER BY family LIMIT $5 OFFSET $6"
    );
    let rows = sqlx::query(select).bind(tenant).bind(now).bind(user_id).bind(client_id);
    let rows = rows.bind(i64::from(count)).bind(i64::from(start)).fetch_all(&mut **snapshot).await?;
    Ok((rows.iter().map(credential).collect::<Result<_, _>>()?, total.unsigned_abs()))
}

fn credential(row: &AnyRow) -> Result<DeviceCredential, sqlx::Error> {
    Ok(DeviceCredential {
        family: row.try_get("family")?,
        client_id: row.try_get("client_id")?,
        user_id: row.try_get("user_id")?,
        device: row.try_get("device")?,
    })
}
