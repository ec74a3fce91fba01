//! Import, export, and the rotation of the master key.

use locum_database::directory::{domains, export, reseal};

use super::*;

async fn exported(database: &Database, lines: &[&str]) -> String {
    let documents = export(database, &keys(lines), ACME).await.unwrap().unwrap();
    documents::to_tenant_file(&documents).unwrap().to_string()
}

/// As it is written to the disk, or as a dump has it.
async fn stored_text(place: &Place) -> String {
    let mut all = String::new();
    for table in ["tenants", "clients", "users"] {
        all += &place.ask(&format!("SELECT document FROM {table}")).await;
    }
    all
}

#[tokio::test]
async fn an_export_that_is_imported_is_exported_the_same() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let first = exported(&database, &KEYS[..1]).await;
        assert!(
            first.contains("canary-of-alices-identity") && first.contains("kept though nothing uses it"),
            "{first}"
        );
        let again = documents(&first);
        import(&database, &keys(&KEYS[..1]), &[again], Existing::Replace).await.unwrap();
        assert_eq!(exported(&database, &KEYS[..1]).await, first);
        assert_eq!(domains(&database).await.unwrap(), [ACME]);
        assert!(export(&database, &keys(&KEYS[..1]), "nobody.example").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_replacement_removes_what_is_not_in_it() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let follower = directory(&database).await;
        assert!(client(&follower, "caller").await.unwrap().is_some());
        let text = file(ACME).replace("client_id: caller", "client_id: renamed");
        import(&database, &keys(&KEYS[..1]), &[documents(&text)], Existing::Replace).await.unwrap();
        let directory = directory(&database).await;
        assert!(client(&directory, "caller").await.unwrap().is_none());
        assert!(client(&directory, "renamed").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let stored = stored_text(&place).await;
        assert!(stored.contains("auth0|alice"), "{stored}");
        let canaries = ["canary", "PRIVATE KEY", "home-of-the-importer"];
        for canary in canaries {
            assert!(!stored.contains(canary), "{canary} in {stored}");
        }
        if let Place::Sqlite(folder) = &place {
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                assert!(!bytes.windows(6).any(|window| window == b"canary"));
            }
        }
        // SQLite removes its log when the last connection closes, which a reader would trip over.
        drop(database);
    }
}

#[tokio::test]
async fn the_master_key_is_rotated_while_servers_read() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let before = exported(&database, &KEYS[..1]).await;
        let (both, new) = ([KEYS[1], KEYS[0]], [KEYS[1]]);
        let done = reseal(&database, &keys(&both)).await.unwrap();
        // The tenant, both clients, and the user with identities; the other user has no secret.
        assert_eq!((done.rows, done.resealed), (5, 4));
        assert!(done.unusable.is_empty());
        assert_eq!(exported(&database, &new).await, before);
        export(&database, &keys(&KEYS[..1]), ACME).await.unwrap_err();
        let again = reseal(&database, &keys(&both)).await.unwrap();
        assert_eq!((again.rows, again.resealed), (5, 0));
        let without = reseal(&database, &keys(&KEYS[..1])).await.unwrap();
        assert_eq!((without.rows, without.resealed, without.unusable.len()), (5, 0, 4));
        assert_eq!(exported(&database, &new).await, before);
    }
}
