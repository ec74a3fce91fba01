//! Rotates the master key: seals every row with the active key, while servers use them.

use sqlx::Row as _;

use crate::database::Database;
use crate::directory::write_error::WriteError;
use crate::sealing::{self, MasterKeys, Row};

/// How many rows are read at once.
const READ_AT_ONCE: i64 = 200;

/// The rows of one table, in the order of their keys.
struct Table {
    row: for<'a> fn(&'a str, &'a str) -> Row<'a>,
    select: &'static str,
    update: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        row: |domain, _| Row::tenant(domain),
        select: "SELECT domain, '', document FROM tenants WHERE (domain, '') > ($1, $2) ORDER BY domain LIMIT $3",
        update: "UPDATE tenants SET document = $1 WHERE document = $2 AND domain = $3 AND $4 = ''",
    },
    Table {
        row: |tenant, id| Row::client(tenant, id),
        select: "SELECT tenant, client_id, document FROM clients WHERE (tenant, client_id) > ($1, $2)
                 ORDER BY tenant, client_id LIMIT $3",
        update: "UPDATE clients SET document = $1 WHERE document = $2 AND tenant = $3 AND client_id = $4",
    },
    Table {
        row: |tenant, id| Row::user(tenant, id),
        select: "SELECT tenant, user_id, document FROM users WHERE (tenant, user_id) > ($1, $2)
                 ORDER BY tenant, user_id LIMIT $3",
        update: "UPDATE users SET document = $1 WHERE document = $2 AND tenant = $3 AND user_id = $4",
    },
];

/// What a rotation has found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// How many rows there are.
    pub rows: u64,
    /// How many of these another key had sealed.
    pub resealed: u64,
    /// Rows that no key opens, each with the reason. They stay as they are.
    pub unusable: Vec<String>,
}

/// Seals each row anew whose secrets another than the active key has sealed. Servers go on to use the rows meanwhile; a row that
/// is changed at the same moment is sealed by whoever changes it.
///
/// # Errors
/// The database is unavailable. What was sealed before stays so: repeat it.
pub async fn reseal(database: &Database, keys: &MasterKeys) -> Result<Resealed, WriteError> {
    let mut found = Resealed::default();
    for table in &TABLES {
        reseal_table(database, keys, table, &mut found).await?;
    }
    Ok(found)
}

async fn reseal_table(
    database: &Database,
    keys: &MasterKeys,
    Table { row, select, update }: &Table,
    found: &mut Resealed,
) -> Result<(), WriteError> {
    let (mut tenant, mut id) = (String::new(), String::new());
    loop {
        let rows = sqlx::query(*select)
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(READ_AT_ONCE)
            .fetch_all(database.pool())
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for found_row in rows {
            (tenant, id) = (found_row.try_get(0)?, found_row.try_get(1)?);
            let sealed: String = found_row.try_get(2)?;
            found.rows += 1;
            let row = row(&tenant, &id);
            match sealing::reseal(row, &sealed, keys) {
                Ok(None) => {}
                Ok(Some(resealed)) => {
                    sqlx::query(*update)
                        .bind(resealed)
                        .bind(sealed)
                        .bind(tenant.as_str())
                        .bind(id.as_str())
                        .execute(database.pool())
                        .await?;
                    found.resealed += 1;
                }
                Err(error) => found.unusable.push(WriteError::sealed(row, error).to_string()),
            }
        }
    }
}
