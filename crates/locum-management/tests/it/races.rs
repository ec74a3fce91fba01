//! Calls at one moment, about one thing.

use std::collections::BTreeMap;

use locum_testing::ACME;
use serde_json::{Value, json};

use crate::test_service::{Asked, TestService, with_all};

const ROUNDS: usize = 10;

#[tokio::test]
async fn of_two_that_create_one_id_one_is_told_that_it_exists() {
    for service in TestService::each().await {
        for round in 0..ROUNDS {
            let user = |name: &str| json!({"user_id": format!("auth0|{round}"), "name": name});
            let client = |name: &str| json!({"client_id": format!("new-{round}"), "name": name});
            let asked = with_all();
            for (path, id, bodies) in [
                ("/users", format!("/users/auth0%7C{round}"), [user("one"), user("two")]),
                ("/clients", format!("/clients/new-{round}"), [client("one"), client("two")]),
            ] {
                let [one, two] = bodies;
                let (one, two) =
                    tokio::join!(service.post(&asked, path, one), service.post(&asked, path, two));
                let (created, refused) = if one.status == 201 { (one, two) } else { (two, one) };
                assert_eq!((created.status, refused.status), (201, 409), "{created:?} {refused:?}");
                assert_eq!(service.get(&asked, &id).await.ok()["name"], created.json()["name"]);
            }
        }
    }
}

#[tokio::test]
async fn a_user_who_is_deleted_while_a_patch_is_made_is_gone() {
    for service in TestService::each().await {
        for round in 0..ROUNDS {
            let (asked, path) = (with_all(), format!("/users/auth0%7C{round}"));
            let user = json!({"user_id": format!("auth0|{round}")});
            assert_eq!(service.post(&asked, "/users", user).await.status, 201);
            let (patched, deleted) = tokio::join!(
                service.patch(&asked, &path, json!({"blocked": true})),
                service.delete(&asked, &path),
            );
            assert!(matches!(patched.status, 200 | 404), "{patched:?}");
            assert_eq!(deleted.status, 204);
            assert_eq!(service.get(&asked, &path).await.refusal().0, 404);
        }
    }
}

#[tokio::test]
async fn of_two_patches_of_one_field_the_later_holds_and_of_one_version_only_the_first() {
    for service in TestService::each().await {
        for round in 0..ROUNDS {
            let (asked, path) = (with_all(), "/users/auth0%7Calice");
            let name = |who: &str| json!({"name": format!("{who} {round}")});
            let (one, two) = tokio::join!(
                service.patch(&asked, path, name("one")),
                service.patch(&asked, path, name("two")),
            );
            let tag = |tag: &crate::test_service::Reply| tag.headers["etag"].to_str().unwrap().to_owned();
            let version = |tag: &str| tag.trim_matches('"').parse::<u32>().unwrap();
            let (first, second) = (version(&tag(&one)), version(&tag(&two)));
            assert_eq!(first.abs_diff(second), 1, "{one:?} {two:?}");
            let later = if first > second { &one } else { &two };
            let read = service.get(&asked, path).await;
            assert_eq!((read.ok()["name"].clone(), tag(&read)), (later.json()["name"].clone(), tag(later)));

            let same = Asked { headers: vec![("if-match", tag(&read))], ..with_all() };
            let (one, two) = tokio::join!(
                service.patch(&same, path, name("three")),
                service.patch(&same, path, name("four")),
            );
            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "{one:?} {two:?}");
        }
    }
}

/// Grants and settings are in one document.
#[tokio::test]
async fn grants_and_settings_that_are_changed_at_one_moment_all_hold() {
    for service in TestService::each().await {
        let asked = with_all();
        let grant = |round: usize, name: &str| json!({"client_id": "crm", "audience": format!("https://{name}-{round}.example/"), "scope": ["read:it"]});
        for round in 0..ROUNDS {
            let email = format!("help-{round}@acme.example");
            let (one, two, settings) = tokio::join!(
                service.post(&asked, "/client-grants", grant(round, "one")),
                service.post(&asked, "/client-grants", grant(round, "two")),
                service.patch(&asked, "/tenants/settings", json!({ "support_email": email })),
            );
            assert_eq!(
                (one.status, two.status, settings.status),
                (201, 201, 200),
                "{one:?} {two:?} {settings:?}"
            );
            assert_eq!(service.get(&asked, "/tenants/settings").await.ok()["support_email"], email);
        }
        let all = service.get(&asked, "/client-grants?client_id=crm&per_page=100").await.ok();
        assert_eq!(all.as_array().unwrap().len(), 2 * ROUNDS);
        assert!(service.directory().served(ACME).is_some());
    }
}

#[tokio::test]
async fn checkpoints_of_grants_skip_and_repeat_nothing_while_others_are_written() {
    for service in TestService::each().await {
        let asked = with_all();
        let create = async |name: &str| {
            let audience = format!("https://{name}.example/");
            let body = json!({"client_id": "crm", "audience": audience, "scope": ["read:it"]});
            service.post(&asked, "/client-grants", body).await.ok()["id"].as_str().unwrap().to_owned()
        };
        let (mut stays, mut goes) = (Vec::new(), Vec::new());
        for number in 0..12 {
            stays.push(create(&format!("stays-{number}")).await);
            goes.push(create(&format!("goes-{number}")).await);
        }
        let writes = async {
            for (number, id) in goes.iter().enumerate() {
                assert_eq!(service.delete(&asked, &format!("/client-grants/{id}")).await.status, 204);
                create(&format!("comes-{number}")).await;
            }
        };
        let reads = async {
            let (mut seen, mut from) = (BTreeMap::<String, usize>::new(), String::new());
            loop {
                let page =
                    service.get(&asked, &format!("/client-grants?client_id=crm&take=2{from}")).await.ok();
                for grant in page["client_grants"].as_array().unwrap() {
                    *seen.entry(grant["id"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                match page.get("next").and_then(Value::as_str) {
                    Some(next) => from = format!("&from={next}"),
                    None => break seen,
                }
            }
        };
        let ((), seen) = tokio::join!(writes, reads);
        assert!(seen.values().all(|count| *count == 1), "{seen:?}");
        assert!(stays.iter().all(|id| seen.contains_key(id)), "{seen:?}");
    }
}
