//! The keys that a tenant signs with: published before they sign, and after.

use axum::body::Body;
use axum::http::Request;
use locum_database::directory::{Existing, export, import};
use locum_engine::AuditCode;
use locum_engine::prepared::TenantKey;
use locum_store::documents::{from_tenant_file, to_tenant_file};
use locum_store::tenant_file::References;
use locum_testing::{ACME, GLOBEX};
use serde_json::{Value, json};

use crate::test_service::{Asked, Reply, TestService, with, with_all};

/// How long a key must be published: what verifiers keep for 300 s may come from a server that knows what was 300 s ago.
const WAIT: i64 = 600;

async fn keys(service: &TestService) -> Vec<Value> {
    let listed = service.get(&with_all(), "/keys/signing").await;
    assert!(!listed.text.contains("PRIVATE"), "{listed:?}");
    listed.ok().as_array().unwrap().clone()
}

/// The `kid` and state of each key.
async fn states(service: &TestService) -> Vec<(String, &'static str)> {
    let state = |key: &Value| {
        let states: Vec<&str> =
            ["current", "next", "previous"].into_iter().filter(|state| key[*state] == true).collect();
        assert_eq!(states.len(), 1, "{key}");
        (key["kid"].as_str().unwrap().to_owned(), states[0])
    };
    keys(service).await.iter().map(state).collect()
}

async fn send(service: &TestService, method: &str, path: &str) -> Reply {
    let reply = service.send_text(&with_all(), method, path, String::new()).await;
    assert!(!reply.text.contains("PRIVATE"), "{reply:?}");
    reply
}

/// The `kid` that an answer is about.
async fn kid(service: &TestService, method: &str, path: &str) -> String {
    let reply = send(service, method, path).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert!(reply.json()["cert"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"), "{reply:?}");
    reply.json()["kid"].as_str().unwrap().to_owned()
}

/// The `kid`s in the JWKS.
async fn published(service: &TestService) -> Vec<String> {
    let request = Request::get("/.well-known/jwks.json").header("host", ACME).body(Body::empty()).unwrap();
    let set = service.send(request).await.ok();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The `kid` of the key that signs.
fn signing(service: &TestService) -> Option<String> {
    let tenant = service.directory().served(ACME).unwrap();
    tenant.tenant().signing_keys.first().map(|key| key.kid.clone())
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_after() {
    for service in TestService::each().await {
        let service = service.beside_the_other_endpoints();
        assert_eq!(states(&service).await, []);
        let none = send(&service, "POST", "/keys/signing/rotate").await;
        assert_eq!(none.refusal(), (409, "no_next_signing_key".to_owned()));

        let first = kid(&service, "POST", "/keys/signing").await;
        assert_eq!(states(&service).await, [(first.clone(), "next")]);
        assert_eq!((published(&service).await, signing(&service)), (vec![first.clone()], None));
        let again = send(&service, "POST", "/keys/signing").await;
        assert_eq!(again.refusal(), (409, "signing_key_exists".to_owned()));
        let since = keys(&service).await[0]["published_since"].as_str().unwrap().to_owned();
        let early = send(&service, "POST", "/keys/signing/rotate").await;
        assert_eq!(early.refusal(), (409, "next_signing_key_too_new".to_owned()));
        assert!(early.message().contains(&since) && early.message().contains("600 s"), "{early:?}");

        service.clock.advance(WAIT);
        let second = kid(&service, "POST", "/keys/signing/rotate").await;
        assert_eq!(states(&service).await, [(first.clone(), "current"), (second.clone(), "next")]);
        assert_eq!(signing(&service), Some(first.clone()));
        assert_eq!(send(&service, "POST", "/keys/signing/rotate").await.refusal().0, 409);

        service.clock.advance(WAIT);
        let third = kid(&service, "POST", "/keys/signing/rotate").await;
        let expected = [(second.clone(), "current"), (third.clone(), "next"), (first.clone(), "previous")];
        assert_eq!(states(&service).await, expected);
        assert_eq!(signing(&service), Some(second.clone()));
        assert_eq!(published(&service).await, [second.clone(), first.clone(), third]);
        let [current, _, previous] = &keys(&service).await[..] else { panic!("there are three") };
        assert_eq!(current["current_since"], previous["current_until"]);
        assert!(previous["current_since"].is_string() && current.get("current_until").is_none());

        assert_eq!(kid(&service, "PUT", &format!("/keys/signing/{first}/revoke")).await, first);
        assert!(!published(&service).await.contains(&first));
        let gone = send(&service, "PUT", &format!("/keys/signing/{first}/revoke")).await;
        assert_eq!(gone.refusal(), (404, "inexistent_signing_key".to_owned()));
        assert_eq!(send(&service, "GET", &format!("/keys/signing/{first}")).await.refusal().0, 404);
        assert_eq!(send(&service, "GET", &format!("/keys/signing/{second}")).await.ok()["current"], true);
    }
}

#[tokio::test]
async fn the_refusal_names_the_moment_from_which_on_the_keys_can_be_rotated() {
    let service = TestService::new().await;
    kid(&service, "POST", "/keys/signing").await;
    let published: jiff::Timestamp =
        keys(&service).await[0]["published_since"].as_str().unwrap().parse().unwrap();
    let early = send(&service, "POST", "/keys/signing/rotate").await.message();
    let named = early.split("rotate at ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let named: jiff::Timestamp = named.parse().unwrap();
    assert_eq!(named.as_second(), published.as_second() + WAIT);
    // Each call takes a second: there were three since.
    service.clock.advance(WAIT - 4);
    assert_eq!(send(&service, "POST", "/keys/signing/rotate").await.refusal().0, 409);
    assert_eq!(send(&service, "POST", "/keys/signing/rotate").await.status, 201);
}

#[tokio::test]
async fn another_key_takes_the_place_of_one_that_is_revoked() {
    let service = TestService::new().await.beside_the_other_endpoints();
    let first = kid(&service, "POST", "/keys/signing").await;
    assert_eq!(kid(&service, "PUT", &format!("/keys/signing/{first}/revoke")).await, first);
    let [(next, "next")] = &states(&service).await[..] else { panic!("there is one") };
    assert_ne!(*next, first);
    service.clock.advance(WAIT);
    let second = kid(&service, "POST", "/keys/signing/rotate").await;
    // What somebody else can sign with must not wait for those who do not know the next key.
    let current = signing(&service).unwrap();
    assert_eq!(kid(&service, "PUT", &format!("/keys/signing/{current}/revoke")).await, current);
    let states = states(&service).await;
    assert_eq!((states.len(), &states[0]), (2, &(second.clone(), "current")));
    assert!(!published(&service).await.contains(&current));
    assert_eq!(signing(&service), Some(second));
}

#[tokio::test]
async fn a_tenant_whose_keys_come_from_a_file_can_have_its_only_one_revoked() {
    let service = TestService::new().await;
    let mut write = service.directory().begin_write().await.unwrap();
    let mut tenant = service.stored_tenant().await;
    let pem = locum_testing::signing_key(ACME).private_key_pem;
    tenant["signing_keys"] =
        json!([{"kid": "own", "private_key": pem.expose(), "certificate": "canary: no certificate"}]);
    write.put_tenant(ACME, &tenant.to_string().into()).await.unwrap();
    write.commit().await.unwrap();
    service.directory().has_written().await;
    let own = keys(&service).await.remove(0);
    assert_eq!((&own["kid"], &own["current"], own.get("cert")), (&"own".into(), &true.into(), None));
    let revoked = send(&service, "PUT", "/keys/signing/own/revoke").await.json();
    assert_eq!(revoked, json!({"kid": "own"}));
    let states: Vec<&str> = states(&service).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["current", "next"]);
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let service = TestService::new().await;
    kid(&service, "POST", "/keys/signing").await;
    service.clock.advance(WAIT);
    let tag = service.get(&with_all(), "/keys/signing").await.headers["etag"].to_str().unwrap().to_owned();
    let matching = |tag: &str| Asked { headers: vec![("if-match", tag.to_owned())], ..with_all() };
    let rotate = "/keys/signing/rotate";
    let other = service.send_text(&matching("\"77\""), "POST", rotate, String::new()).await;
    assert_eq!(other.refusal(), (412, "precondition_failed".to_owned()));
    let same = service.send_text(&matching(&tag), "POST", rotate, String::new()).await;
    assert_eq!(same.status, 201, "{same:?}");
    assert_ne!(same.headers["etag"].to_str().unwrap(), tag);
}

#[tokio::test]
async fn of_two_concurrent_rotations_one_is_done() {
    for service in TestService::each().await {
        kid(&service, "POST", "/keys/signing").await;
        service.clock.advance(WAIT);
        let rotate = || send(&service, "POST", "/keys/signing/rotate");
        let (one, other) = tokio::join!(rotate(), rotate());
        let mut outcomes = [one.status, other.status];
        outcomes.sort();
        assert_eq!(outcomes, [201, 409]);
        assert_eq!(keys(&service).await.len(), 2);
    }
}

#[tokio::test]
async fn each_change_is_an_event_and_each_tenant_has_its_own_keys() {
    let service = TestService::new().await;
    let first = kid(&service, "POST", "/keys/signing").await;
    service.clock.advance(WAIT);
    let second = kid(&service, "POST", "/keys/signing/rotate").await;
    kid(&service, "PUT", &format!("/keys/signing/{first}/revoke")).await;
    let events = service.sink.take_events();
    let told: Vec<(&str, Option<&str>)> = events
        .iter()
        .map(|event| {
            assert_eq!(event.code, AuditCode::Managed);
            let call = event.management.as_ref().unwrap();
            assert_eq!(call.fields.as_deref(), Some("signing_keys next_signing_key"));
            (call.operation, call.resource.as_deref())
        })
        .collect();
    let expected = [
        ("create_signing_key", Some(first.as_str())),
        ("rotate_signing_keys", Some(second.as_str())),
        ("revoke_signing_key", Some(first.as_str())),
    ];
    assert_eq!(told, expected);
    let other = Asked { host: GLOBEX, ..with("read:signing_keys") };
    assert_eq!(service.get(&other, "/keys/signing").await.ok(), json!([]));
}

/// Auth0's fields, and what they say of the key.
#[tokio::test]
async fn a_certificate_is_shown_in_each_form_that_auth0_has() {
    let service = TestService::new().await;
    kid(&service, "POST", "/keys/signing").await;
    let key = keys(&service).await.remove(0);
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    assert_eq!(text("fingerprint").replace(':', ""), text("thumbprint"));
    assert_eq!(text("thumbprint").len(), 40);
    assert_eq!(key["revoked"], false);
    let certificate = pem::parse(text("cert")).unwrap();
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.contents());
    assert_eq!(hex::encode_upper(digest), text("thumbprint"));
    let message = pem::parse(text("pkcs7")).unwrap();
    assert_eq!(message.tag(), "PKCS7");
    let (outer, inner) = (message.contents(), certificate.contents());
    assert!(outer.windows(inner.len()).any(|part| part == inner));
    assert_eq!(usize::from(u16::from_be_bytes([outer[2], outer[3]])) + 4, outer.len());
    let stored = service.stored_tenant().await["next_signing_key"].clone();
    let field = |name: &str| stored[name].as_str().unwrap().to_owned();
    let key = locum_abi::configuration::SigningKey {
        kid: field("kid"),
        private_key_pem: field("private_key").as_str().into(),
        certificate_pem: Some(field("certificate")),
    };
    assert!(TenantKey::from_signing_key(&key).is_ok());
}

#[tokio::test]
async fn an_export_has_the_keys_and_its_import_the_same() {
    for service in TestService::each().await {
        kid(&service, "POST", "/keys/signing").await;
        service.clock.advance(WAIT);
        kid(&service, "POST", "/keys/signing/rotate").await;
        service.clock.advance(WAIT);
        kid(&service, "POST", "/keys/signing/rotate").await;
        let before = keys(&service).await;
        let exported = async || {
            let documents = export(&service.database, &service.keys, ACME).await.unwrap().unwrap();
            to_tenant_file(&documents).unwrap()
        };
        let file = exported().await;
        for field in ["next_signing_key:", "published_since:", "current_until:"] {
            assert!(file.contains(field), "{field}");
        }
        let references = References::new(&|_| None, std::path::Path::new("."));
        let (documents, _) = from_tenant_file(&file, "exported.yaml", &references).unwrap();
        import(&service.database, &service.keys, &[documents], Existing::Replace).await.unwrap();
        assert_eq!(exported().await, file);
        assert_eq!(keys(&service).await, before);
    }
}
