//! The engine's port of used assertions.

use locum_engine::ports::{StoreReply, UsedAssertions};

use crate::database::Database;

impl UsedAssertions for Database {
    fn use_once<'a>(
        &'a self,
        tenant: &'a str,
        client_id: &'a str,
        jti: &'a str,
        expires_at: i64,
        _now: i64,
    ) -> StoreReply<'a, bool> {
        self.reply(async move {
            let inserted = sqlx::query(
                "INSERT INTO used_assertions (tenant, client_id, jti, expires_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
            )
            .bind(tenant)
            .bind(client_id)
            // PostgreSQL stores no NUL.
            .bind(jti.replace('\0', "\\0"))
            .bind(expires_at)
            .execute(self.pool())
            .await?;
            Ok(inserted.rows_affected() == 1)
        })
    }
}
