//! What another server writes is seen by this one.

use locum_database::directory::DirectoryWrite;
use locum_store::documents::DocumentKind;

use super::*;

/// A directory that follows the changes until the test ends.
async fn following(database: &Database) -> Arc<DatabaseDirectory> {
    let directory = Arc::new(directory(database).await);
    let follower = Arc::clone(&directory);
    tokio::spawn(async move { follower.follow().await });
    directory
}

async fn name(directory: &DatabaseDirectory) -> Option<String> {
    client(directory, "caller").await.unwrap()?.client().name.clone()
}

#[tokio::test]
async fn a_change_reaches_every_server_within_a_second() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let (one, two) = (following(&database).await, following(&place.open().await).await);
        for directory in [&one, &two] {
            assert_eq!(name(directory).await.as_deref(), Some("The caller"));
        }
        // So that each listens, and does not merely look again.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for round in 0..5 {
            let (from, to) = (["The caller", "A caller"][round % 2], ["A caller", "The caller"][round % 2]);
            edit_client(&database, "caller", from, to).await;
            for directory in [&one, &two] {
                let seen = soon(async || name(directory).await.as_deref() == Some(to)).await;
                assert!(seen < Duration::from_secs(1), "{seen:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_deleted_client_is_gone_and_a_new_one_is_there() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = following(&database).await;
        let acme = tenant(&directory).await;
        assert!(client(&directory, "caller").await.unwrap().is_some());
        assert!(directory.allows_origin(&acme, "https://app.example").wait().await.unwrap());
        assert!(client(&directory, "new").await.unwrap().is_none());

        let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await.unwrap();
        let caller = write.client(ACME, "caller").await.unwrap().unwrap();
        let new = edited(&caller.document, DocumentKind::Client, r#""caller""#, r#""new""#);
        let new = edited(&new, DocumentKind::Client, "https://app.example", "https://new.example");
        assert!(write.delete_client(ACME, "caller").await.unwrap());
        assert!(!write.delete_client(ACME, "caller").await.unwrap());
        write.put_client(acme.tenant(), "new", &new).await.unwrap();
        write.commit().await.unwrap();

        soon(async || client(&directory, "caller").await.unwrap().is_none()).await;
        soon(async || client(&directory, "new").await.unwrap().is_some()).await;
        soon(async || !directory.allows_origin(&acme, "https://app.example").wait().await.unwrap()).await;
        soon(async || directory.allows_origin(&acme, "https://new.example").wait().await.unwrap()).await;
    }
}

#[tokio::test]
async fn what_was_not_committed_is_not_there() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = directory(&database).await;
        {
            let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await.unwrap();
            assert!(write.delete_user(ACME, "auth0|mallory").await.unwrap());
        }
        assert!(user(&directory, "auth0|mallory").await.unwrap().unwrap().blocked);
    }
}

#[tokio::test]
async fn another_policy_keeps_prepared_clients_and_another_key_does_not() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = following(&database).await;
        let before = client(&directory, "caller").await.unwrap().unwrap();
        let edit = async |from: &str, to: &str| {
            let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await.unwrap();
            let acme = write.tenant(ACME).await.unwrap().unwrap();
            write.put_tenant(ACME, &edited(&acme.document, DocumentKind::Tenant, from, to)).await.unwrap();
            write.commit().await.unwrap();
        };
        edit("3600", "1800").await;
        soon(async || tenant(&directory).await.delegation().lifetime_ceiling_seconds == Some(1800)).await;
        assert!(Arc::ptr_eq(&before, &client(&directory, "caller").await.unwrap().unwrap()));

        edit("read:users", "read:clients").await;
        soon(async || {
            client(&directory, "caller").await.unwrap().unwrap().client().management_scopes
                == ["read:clients"]
        })
        .await;
        let before = client(&directory, "caller").await.unwrap().unwrap();
        edit("key of acme", "new key of acme").await;
        soon(async || !Arc::ptr_eq(&before, &client(&directory, "caller").await.unwrap().unwrap())).await;
    }
}

#[tokio::test]
async fn of_two_writers_at_one_moment_each_adds_its_change() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = following(&database).await;
        let document = {
            let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await.unwrap();
            write.user(ACME, "auth0|mallory").await.unwrap().unwrap().document
        };
        let mut writing = tokio::task::JoinSet::new();
        for number in 0..20 {
            let (database, id) = (place.open().await, format!("auth0|user{number}"));
            let document = edited(&document, DocumentKind::User, "auth0|mallory", &id);
            writing.spawn(async move {
                let written = async {
                    let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await?;
                    write.put_user(ACME, &id, &document).await?;
                    write.commit().await
                };
                // Whoever cannot write in time is refused, and tries again.
                let written = written.await.is_ok();
                (id, written)
            });
            if number % 4 == 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let written = writing.join_all().await;
        assert!(written.iter().filter(|(_, written)| *written).count() >= 5, "{written:?}");
        for (id, written) in written {
            soon(async || user(&directory, &id).await.unwrap().is_some() == written).await;
        }
    }
}
