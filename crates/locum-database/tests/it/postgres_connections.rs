//! Connections to PostgreSQL that end in the middle of a request, are slow, or are refused for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_database::Database;
use locum_database::directory::{DatabaseDirectory, DirectoryWrite};
use locum_engine::ports::{Directory, RefreshTokenHash, RefreshTokens, Rotation};
use locum_store::documents::{Document, DocumentKind};
use locum_testing::{ACME, NOW, PostgresServer, refresh_token};

use crate::directory::{KEYS, add_acme, directory, edit_client, keys, soon};
use crate::places::connect;
use crate::wire::{Cut, Wire};

/// More packets than a request has.
const PACKETS_MAX: u32 = 200;

fn hash(number: u32) -> RefreshTokenHash {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RefreshTokenHash::from_bytes(bytes)
}

async fn rotate(state: &Database, family: &str, number: u32) -> Result<Rotation, String> {
    let successor = (hash(number + 1), refresh_token(family));
    let rotated = state.rotate(ACME, &hash(number), successor, NOW, 0).wait().await;
    rotated.map_err(|why| why.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_connection_ends_at_any_packet_has_replaced_the_token_or_not() {
    let Some(server) = PostgresServer::start() else { return };
    let (direct, wire) = (connect(&server.url()).await, Wire::to(&server).await);
    let state = connect(&wire.url()).await;
    for cut in [Cut::Request, Cut::Answer] {
        let (mut unavailable, mut replaced) = (0, 0);
        for packet in 1.. {
            assert!(packet < PACKETS_MAX, "a refresh does not end");
            let (family, number) =
                (format!("{cut:?} {packet}"), packet * 4 + u32::from(cut == Cut::Answer) * 2);
            assert_eq!(direct.add(ACME, hash(number), refresh_token(&family)).wait().await, Ok(true));
            // The connection is there, so that its packets are those of the refresh.
            assert!(state.find(ACME, &hash(number)).wait().await.is_ok());
            wire.cut(cut, packet);
            let rotated = rotate(&state, &family, number).await;
            let was_cut = wire.was_cut();
            let find = async |number| direct.find(ACME, &hash(number)).wait().await.unwrap();
            let (old, new) = (find(number).await.unwrap(), find(number + 1).await);
            assert_eq!(old.rotated_at.is_some(), new.is_some(), "{cut:?} {packet}: {rotated:?}");
            match rotated {
                Ok(rotation) => assert_eq!((rotation, new.is_some()), (Rotation::Done, true)),
                Err(_) if new.is_some() => replaced += 1,
                Err(_) => {
                    unavailable += 1;
                    assert_eq!(rotate(&state, &family, number).await, Ok(Rotation::Done));
                }
            }
            if !was_cut {
                break;
            }
        }
        assert!(unavailable > 2, "{cut:?}: {unavailable}");
        // Only the answer to the commit can be lost after it.
        assert_eq!(replaced, u32::from(cut == Cut::Answer), "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_connection_ends_at_any_packet_is_there_with_what_tells_others_of_it_or_is_not() {
    let Some(server) = PostgresServer::start() else { return };
    let (direct, wire) = (connect(&server.url()).await, Wire::to(&server).await);
    add_acme(&direct).await;
    let database = connect(&wire.url()).await;
    for cut in [Cut::Request, Cut::Answer] {
        let mut refused = 0;
        for packet in 1.. {
            assert!(packet < PACKETS_MAX, "a change does not end");
            let id = format!("auth0|{cut:?}{packet}");
            let document =
                Document::from_json(DocumentKind::User, &format!(r#"{{"user_id":"{id}","blocked":true}}"#));
            let document = document.unwrap();
            wire.cut(cut, packet);
            let written = async {
                let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await?;
                write.put_user(ACME, &id, &document).await?;
                write.commit().await
            };
            let written = written.await.is_ok();
            let was_cut = wire.was_cut();
            let rows = |table: &str, id_column: &str| {
                server.ask(&format!("SELECT count(*) FROM {table} WHERE {id_column} = '{id}'"))
            };
            let (user, change) = (rows("users", "user_id"), rows("changes", "id"));
            assert_eq!(user, change, "{cut:?} {packet}");
            assert!(!written || user == "1", "{cut:?} {packet}: what was answered is lost");
            refused += u32::from(!written);
            if !was_cut {
                break;
            }
        }
        assert!(refused > 2, "{cut:?}: {refused}");
    }
}

#[tokio::test]
async fn a_slow_network_is_waited_for_and_one_that_is_too_slow_is_unavailable() {
    let Some(server) = PostgresServer::start() else { return };
    let wire = Wire::to(&server).await;
    let state = connect(&wire.url()).await;
    let add = async |number| state.add(ACME, hash(number), refresh_token("slow")).wait().await;
    assert_eq!(add(10).await, Ok(true));
    wire.delay(Duration::from_millis(20));
    assert_eq!(add(20).await, Ok(true));
    wire.delay(Duration::from_millis(400));
    let start = Instant::now();
    let why = add(30).await.unwrap_err().to_string();
    assert!(
        why.contains("no answer within 2000 ms") || why.contains("no connection was free in time"),
        "{why}"
    );
    assert!(start.elapsed() < Duration::from_secs(4));
    wire.delay(Duration::ZERO);
    soon(async || add(40).await == Ok(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_a_server_learns_of_changes_within_a_second() {
    let Some(server) = PostgresServer::start() else { return };
    let (direct, mut wire) = (connect(&server.url()).await, Wire::to(&server).await);
    add_acme(&direct).await;
    let one: Arc<DatabaseDirectory> = Arc::new(directory(&connect(&wire.url()).await).await);
    let follower = Arc::clone(&one);
    tokio::spawn(async move { follower.follow().await });
    let name = async || {
        let tenant = one.tenant(ACME).wait().await.unwrap().unwrap();
        let found = one.client(&tenant, "caller").wait().await;
        found.ok().flatten().and_then(|client| client.client().name.clone())
    };
    assert_eq!(name().await.as_deref(), Some("The caller"));
    wire.stop().await;
    edit_client(&direct, "caller", "The caller", "A caller").await;
    // Whoever waits longer before each attempt is late afterwards.
    tokio::time::sleep(Duration::from_millis(3600)).await;
    assert_eq!(name().await.as_deref(), Some("The caller"), "what is in memory is used");
    wire.start().await;
    let learned = soon(async || name().await.as_deref() == Some("A caller")).await;
    assert!(learned < Duration::from_millis(1500), "{learned:?}");
}
