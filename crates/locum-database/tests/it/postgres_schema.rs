//! The tables in PostgreSQL: who changes them, and which are refused.

use locum_database::{Database, DatabaseError, SchemaChanges};
use locum_engine::ports::UsedAssertions;
use locum_testing::{ACME, NOW, PostgresDatabase};

use crate::places::connect;

const LATEST: i64 = 4;

async fn connect_with(
    database: &PostgresDatabase,
    changes: SchemaChanges,
) -> Result<Database, DatabaseError> {
    Database::connect(&database.url().parse().unwrap(), changes).await
}

#[tokio::test]
async fn tables_are_changed_only_where_that_is_allowed() {
    let Some(database) = PostgresDatabase::create() else { return };
    let tables = || database.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");

    let error = connect_with(&database, SchemaChanges::Refuse).await.unwrap_err();
    assert!(matches!(error, DatabaseError::SchemaTooOld { found: 0, needed: LATEST, .. }), "{error}");
    assert!(error.to_string().contains("`locum state migrate`, or set `migrate = true`"), "{error}");
    assert_eq!(tables(), "0");

    let state = connect_with(&database, SchemaChanges::Apply).await.unwrap();
    assert_eq!(tables(), "10");
    assert!(connect_with(&database, SchemaChanges::Refuse).await.is_ok());
    let status = state.status().await.unwrap();
    assert_eq!((status.schema_version, status.server.starts_with("PostgreSQL 1")), (LATEST, true));
    let counted = ["tenants", "clients", "users", "refresh_tokens", "used_assertions"];
    assert_eq!(status.rows, counted.map(|table| (table, 0)));
}

#[tokio::test]
async fn tables_of_an_earlier_version_are_completed_and_keep_their_rows() {
    let Some(database) = PostgresDatabase::create() else { return };
    connect(&database.url()).await;
    database.ask(
        "INSERT INTO refresh_tokens (tenant, hash, client_id, user_id, family, scope, signed_in_at, created_at)
             VALUES ('acme', '\\x00', 'c', 'u', 'f', '', 0, 0);
         DROP INDEX refresh_tokens_user_id; DROP TABLE used_assertions, tenants, clients, users, origins, resources, changes, server_identity; UPDATE locum_schema SET version = 1",
    );
    let error = connect_with(&database, SchemaChanges::Refuse).await.unwrap_err();
    assert!(matches!(error, DatabaseError::SchemaTooOld { found: 1, .. }), "{error}");
    let state = connect_with(&database, SchemaChanges::Apply).await.unwrap();
    assert_eq!(state.use_once(ACME, "worker", "one", NOW + 60, NOW).wait().await, Ok(true));
    let rows = state.status().await.unwrap().rows;
    assert_eq!(rows[3..], [("refresh_tokens", 1), ("used_assertions", 1)]);
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused_and_left_as_they_are() {
    let Some(database) = PostgresDatabase::create() else { return };
    connect(&database.url()).await;
    database.ask("UPDATE locum_schema SET version = 5");
    for changes in [SchemaChanges::Apply, SchemaChanges::Refuse] {
        let error = connect_with(&database, changes).await.unwrap_err();
        assert!(matches!(error, DatabaseError::SchemaTooNew { found: 5, known: LATEST, .. }), "{error}");
    }
    assert_eq!(database.ask("SELECT version FROM locum_schema"), "5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_nodes_that_start_together_one_makes_the_tables_and_all_can_use_them() {
    let Some(database) = PostgresDatabase::create() else { return };
    let nodes: Vec<_> = (0..8)
        .map(|node| {
            let url = database.url();
            tokio::spawn(async move {
                let state = connect(&url).await;
                state.use_once(ACME, "worker", &node.to_string(), NOW + 60, NOW).wait().await
            })
        })
        .collect();
    for node in nodes {
        assert_eq!(node.await.unwrap(), Ok(true));
    }
}
