//! The engine's port of refresh tokens.

use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens, Rotation, StoreReply};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::database::Database;

impl RefreshTokens for Database {
    fn find<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
    ) -> StoreReply<'a, Option<RefreshToken>> {
        self.reply(async move {
            let row = sqlx::query(
                "SELECT client_id, user_id, family, scope, act, signed_in_at, device, created_at, expires_at,
                     idle_expires_at, rotated_at, revoked_at
                 FROM refresh_tokens WHERE tenant = $1 AND hash = $2",
            )
            .bind(tenant)
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(self.pool())
            .await?;
            row.as_ref().map(token).transpose()
        })
    }

    fn add<'a>(
        &'a self,
        tenant: &'a str,
        hash: RefreshTokenHash,
        token: RefreshToken,
    ) -> StoreReply<'a, bool> {
        self.reply(async move {
            let mut transaction = self.begin().await?;
            self.lock_family(&mut transaction, tenant, &token.family).await?;
            let added = insert(&mut transaction, tenant, &hash, token).await?;
            transaction.commit().await?;
            Ok(added)
        })
    }

    fn keep_until<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        idle_expires_at: i64,
    ) -> StoreReply<'a, ()> {
        self.reply(async move {
            sqlx::query("UPDATE refresh_tokens SET idle_expires_at = $1 WHERE tenant = $2 AND hash = $3")
                .bind(idle_expires_at)
                .bind(tenant)
                .bind(hash.as_bytes().as_slice())
                .execute(self.pool())
                .await
                .map(drop)
        })
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        (successor, token): (RefreshTokenHash, RefreshToken),
        now: i64,
        leeway_seconds: u64,
    ) -> StoreReply<'a, Rotation> {
        self.reply(async move {
            let mut transaction = self.begin().await?;
            // First, so that of two that run at one moment the second reads what the first has written.
            self.lock_family(&mut transaction, tenant, &token.family).await?;
            let used = sqlx::query(
                "SELECT rotated_at FROM refresh_tokens
                 WHERE tenant = $1 AND hash = $2 AND family = $3 AND revoked_at IS NULL",
            )
            .bind(tenant)
            .bind(hash.as_bytes().as_slice())
            .bind(token.family.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(used) = used else { return Ok(Rotation::Gone) };
            let rotated_at: Option<i64> = used.try_get("rotated_at")?;
            let outcome = match rotated_at {
                // Without leeway no clock decides: that of the node that replaced it may be ahead.
                Some(at) if leeway_seconds == 0 || at.saturating_add_unsigned(leeway_seconds) <= now => {
                    revoke(&mut transaction, tenant, &token.family, now).await?;
                    Rotation::Reused
                }
                _ => {
                    sqlx::query(
                        "UPDATE refresh_tokens SET rotated_at = coalesce(rotated_at, $1) WHERE tenant = $2 AND hash = $3",
                    )
                    .bind(now)
                    .bind(tenant)
                    .bind(hash.as_bytes().as_slice())
                    .execute(&mut *transaction)
                    .await?;
                    insert(&mut transaction, tenant, &successor, token).await?;
                    Rotation::Done
                }
            };
            transaction.commit().await?;
            Ok(outcome)
        })
    }

    fn revoke_family<'a>(&'a self, tenant: &'a str, family: &'a str, now: i64) -> StoreReply<'a, ()> {
        self.reply(async move {
            let mut transaction = self.begin().await?;
            self.lock_family(&mut transaction, tenant, family).await?;
            revoke(&mut transaction, tenant, family, now).await?;
            transaction.commit().await
        })
    }
}

impl Database {
    /// Of the transactions that add to a family, replace in it or revoke it, one runs at a time: otherwise a revocation would not
    /// see a token that another transaction is about to commit.
    async fn lock_family(
        &self,
        connection: &mut AnyConnection,
        tenant: &str,
        family: &str,
    ) -> Result<(), sqlx::Error> {
        self.server().lock(connection, &format!("family {tenant} {family}")).await
    }
}

/// Adds a token, unless its family is revoked. Returns whether it did.
async fn insert(
    connection: &mut AnyConnection,
    tenant: &str,
    hash: &RefreshTokenHash,
    token: RefreshToken,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO refresh_tokens (tenant, hash, client_id, user_id, family, scope, act, signed_in_at, device,
             created_at, expires_at, idle_expires_at, rotated_at, revoked_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
         WHERE NOT EXISTS (
             SELECT 1 FROM refresh_tokens WHERE tenant = $1 AND family = $5 AND revoked_at IS NOT NULL
         )",
    )
    .bind(tenant)
    .bind(hash.as_bytes().as_slice())
    .bind(token.client_id)
    .bind(token.user_id)
    .bind(token.family)
    .bind(token.scope.join(" "))
    .bind(token.act.map(|act| act.to_string()))
    .bind(token.signed_in_at)
    .bind(token.device)
    .bind(token.created_at)
    .bind(token.expires_at)
    .bind(token.idle_expires_at)
    .bind(token.rotated_at)
    .bind(token.revoked_at)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn revoke(
    connection: &mut AnyConnection,
    tenant: &str,
    family: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE refresh_tokens SET revoked_at = $1 WHERE tenant = $2 AND family = $3 AND revoked_at IS NULL",
    )
    .bind(now)
    .bind(tenant)
    .bind(family)
    .execute(connection)
    .await
    .map(drop)
}

fn token(row: &AnyRow) -> Result<RefreshToken, sqlx::Error> {
    let scope: String = row.try_get("scope")?;
    let act: Option<String> = row.try_get("act")?;
    let act = act.map(|act| serde_json::from_str(&act)).transpose();
    Ok(RefreshToken {
        client_id: row.try_get("client_id")?,
        user_id: row.try_get("user_id")?,
        family: row.try_get("family")?,
        scope: scope.split_whitespace().map(str::to_owned).collect(),
        act: act.map_err(|why| sqlx::Error::Decode(Box::new(why)))?,
        signed_in_at: row.try_get("signed_in_at")?,
        device: row.try_get("device")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        idle_expires_at: row.try_get("idle_expires_at")?,
        rotated_at: row.try_get("rotated_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}
