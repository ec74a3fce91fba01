//! A PostgreSQL server whose tables cannot grow, as on a full disk.

use locum_engine::ports::{RefreshTokenHash, RefreshTokens, Rotation};
use locum_testing::{ACME, NOW, PostgresServer, refresh_token};

use crate::places::connect;

fn hash(number: u16) -> RefreshTokenHash {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    RefreshTokenHash::from_bytes(bytes)
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_replaced_and_what_is_there_works_afterwards() {
    let Some(server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    // More than a file of its log of writes, which must go on.
    server.ask(
        "INSERT INTO refresh_tokens (tenant, hash, client_id, user_id, family, scope, signed_in_at, created_at)
         SELECT 'filler', sha256(number::text::bytea), 'c', 'u', number::text, repeat('x', 1500), 0, 0
         FROM generate_series(1, 15000) AS number",
    );
    assert_eq!(state.add(ACME, hash(0), refresh_token("family")).wait().await, Ok(true));
    let rotate = async |number: u16| {
        let successor = (hash(number + 1), refresh_token("family"));
        state.rotate(ACME, &hash(number), successor, NOW, 0).wait().await
    };
    server.limit_files(&server.ask("SELECT pg_relation_size('refresh_tokens')"));
    let mut latest = 0;
    let why = loop {
        match rotate(latest).await {
            Ok(rotation) => assert_eq!(rotation, Rotation::Done),
            Err(why) => break why.to_string(),
        }
        latest += 1;
        assert!(latest < 1000, "the disk is not full");
    };
    assert!(why.contains("could not extend file"), "{why}");
    rotate(latest).await.unwrap_err();
    let found = state.find(ACME, &hash(latest)).wait().await.unwrap().unwrap();
    assert_eq!((found.rotated_at, found.revoked_at), (None, None));
    assert!(state.find(ACME, &hash(latest + 1)).wait().await.unwrap().is_none());

    server.limit_files("unlimited");
    assert_eq!(rotate(latest).await, Ok(Rotation::Done));
}
