//! What is answered while the database or a row of it cannot be used.

use locum_database::directory::WriteError;
use locum_testing::PostgresServer;

use super::*;
use crate::places::connect;

fn stale_after(stale_max: Duration) -> DirectoryOptions {
    let mut options = DirectoryOptions::default();
    options.stale_max = stale_max;
    options
}

#[tokio::test]
async fn while_postgresql_is_away_what_is_known_is_served_and_nothing_else() {
    let Some(mut server) = PostgresServer::start() else { return };
    let database = connect(&server.url()).await;
    add_acme(&database).await;
    let directory = Arc::new(directory(&database).await);
    let follower = Arc::clone(&directory);
    tokio::spawn(async move { follower.follow().await });
    assert!(client(&directory, "caller").await.unwrap().is_some());
    assert!(user(&directory, "auth0|mallory").await.unwrap().unwrap().blocked);

    server.stop();
    assert!(client(&directory, "caller").await.unwrap().is_some());
    assert!(user(&directory, "auth0|mallory").await.unwrap().unwrap().blocked);
    // Neither is absent: nobody knows.
    client(&directory, "storage").await.unwrap_err();
    user(&directory, "auth0|alice").await.unwrap_err();
    let acme = tenant(&directory).await;
    directory.allows_origin(&acme, "https://app.example").wait().await.unwrap_err();

    server.start_again();
    soon(async || client(&directory, "storage").await.is_ok_and(|found| found.is_some())).await;
    edit_client(&database, "caller", "The caller", "A caller").await;
    soon(async || {
        client(&directory, "caller").await.unwrap().unwrap().client().name.as_deref() == Some("A caller")
    })
    .await;
}

#[tokio::test]
async fn what_is_too_old_is_not_served() {
    let place = Place::each().remove(0);
    let database = with_acme(&place).await;
    let directory = directory_with(&database, stale_after(Duration::from_millis(300))).await;
    let acme = tenant(&directory).await;
    assert!(directory.client(&acme, "caller").wait().await.unwrap().is_some());
    tokio::time::sleep(Duration::from_millis(400)).await;
    // Nobody follows the changes: the client may be another by now.
    assert!(!directory.status().is_usable);
    directory.tenant(ACME).wait().await.unwrap_err();
    directory.client(&acme, "caller").wait().await.unwrap_err();
    directory.client(&acme, "never asked for").wait().await.unwrap_err();
}

#[tokio::test]
async fn a_row_that_was_edited_by_hand_breaks_itself_alone() {
    for nonsense in
        ["{", "[]", "{}", r#"{"client_id":"other"}"#, r#"{"client_id":"caller","client_id":"caller"}"#]
    {
        for place in Place::each() {
            let database = with_acme(&place).await;
            place
                .ask(&format!("UPDATE clients SET document = '{nonsense}' WHERE client_id = 'caller'"))
                .await;
            let directory = directory(&database).await;
            client(&directory, "caller").await.unwrap_err();
            assert!(client(&directory, "storage").await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn no_other_tenant_answers_for_one_whose_row_cannot_be_used() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let other = file("other.example").replace("storage.example", "other-storage.example");
        import(&database, &keys(&KEYS[..1]), &[documents(&other)], Existing::Refuse).await.unwrap();
        place.ask("UPDATE tenants SET document = '{}' WHERE domain = 'other.example'").await;
        let directory = directory(&database).await;
        directory.tenant("other.example").wait().await.unwrap_err();
        assert_eq!(directory.status().unusable_tenants, ["other.example"]);
        // ACME is the default.
        assert_eq!(directory.tenant("elsewhere").wait().await.unwrap().unwrap().domain(), ACME);
    }
}

#[tokio::test]
async fn a_sealed_value_of_another_row_or_field_is_not_taken() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        place
            .ask(
                "UPDATE clients SET document = replace((SELECT document FROM clients WHERE client_id = 'storage'), \
                 '\"storage\"', '\"caller\"') WHERE client_id = 'caller'",
            )
            .await;
        let directory = directory(&database).await;
        client(&directory, "caller").await.unwrap_err();
    }
}

#[tokio::test]
async fn with_another_master_key_nothing_is_opened() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        for lines in [&KEYS[1..2], &KEYS[2..3]] {
            let issuers: Arc<dyn Issuers> = Arc::new(ScriptedIssuers::default());
            let options = DirectoryOptions::default();
            let directory =
                DatabaseDirectory::open(database.clone(), keys(lines), issuers, options).await.unwrap();
            assert_eq!(directory.status().unusable_tenants, [ACME]);
            directory.tenant(ACME).wait().await.unwrap_err();
            directory.replace_keys(keys(&KEYS[..1])).await.unwrap();
            assert!(client(&directory, "storage").await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_not_written() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let other = documents(&file("other.example").replace("storage.example", "other-storage.example"));
        let keys_one = keys(&KEYS[..1]);
        let import_other = || import(&database, &keys_one, std::slice::from_ref(&other), Existing::Refuse);
        import_other().await.unwrap();
        assert!(
            matches!(import_other().await, Err(WriteError::TenantExists { domain }) if domain == "other.example")
        );

        let mut write = DirectoryWrite::begin(&database, keys(&KEYS[..1])).await.unwrap();
        let acme = write.tenant(ACME).await.unwrap().unwrap();
        let (acme, _) = documents::tenant(ACME, acme.document.expose()).unwrap();
        let storage = write.client(ACME, "storage").await.unwrap().unwrap().document;
        let twin = edited(&storage, DocumentKind::Client, r#""storage""#, r#""twin""#);
        let error = write.put_client(&acme, "twin", &twin).await.unwrap_err();
        assert!(matches!(error, WriteError::ResourceTwice { .. }), "{error}");

        let invalid = edited(&storage, DocumentKind::Client, r#""resources":["#, r#""resources":[7,"#);
        let error = write.put_client(&acme, "storage", &invalid).await.unwrap_err();
        assert!(error.to_string().contains("/resources"), "{error}");

        let other = write.tenant("other.example").await.unwrap().unwrap().document;
        let second_default = edited(&other, DocumentKind::Tenant, r#""default":false"#, r#""default":true"#);
        let error = write.put_tenant("other.example", &second_default).await.unwrap_err();
        assert!(matches!(error, WriteError::TwoDefaults { .. }), "{error}");
    }
}
