//! What verifiers and orchestrators read, and the methods and paths that are not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Method;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use locum_server::ServerOptions;
use serde_json::{Value, json};

use crate::world::{ACME, Reply, Tenants, World, request, rs256_id_token, tenant_key};

const PATHS: [&str; 6] = [
    "/delegation",
    "/oauth/revoke",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/healthz",
    "/readyz",
];

async fn get(world: &World, path: &str) -> Reply {
    world.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_published_key_verifies_what_the_tenant_signs() {
    let reply = get(&World::new(), "/.well-known/jwks.json").await;
    let keys = reply.json();
    let key = &keys["keys"][0];
    let (n, e) = (key["n"].as_str().unwrap(), key["e"].as_str().unwrap());
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["rs256"]);
    validation.validate_exp = false;
    let verified = |n: &str| {
        let key = DecodingKey::from_rsa_components(n, e).unwrap();
        decode::<Value>(&rs256_id_token("rs256"), &key, &validation).is_ok()
    };
    assert!(verified(n));
    assert!(!verified(&n.replacen(&n[10..12], "AA", 1)));
}

#[tokio::test]
async fn all_keys_are_published_and_nothing_private_of_them() {
    let mut tenants = Tenants::usual();
    tenants.0[0].keys.push(tenant_key("the one before"));
    let reply = get(&World::of(tenants), "/.well-known/jwks.json").await;
    let keys = reply.json()["keys"].clone();
    let kids: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids, ["key of acme.example.com", "the one before"]);
    for key in keys.as_array().unwrap() {
        let members: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "use", "alg", "kid", "n", "e"]);
    }
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn discovery_says_what_client_libraries_insist_on() {
    let reply = get(&World::new(), "/.well-known/openid-configuration").await;
    assert_eq!(
        reply.json(),
        json!({
            "issuer": "https://acme.example.com/",
            "authorization_endpoint": "https://acme.example.com/authorize",
            "token_endpoint": "https://acme.example.com/oauth/token",
            "jwks_uri": "https://acme.example.com/.well-known/jwks.json",
            "revocation_endpoint": "https://acme.example.com/oauth/revoke",
            "introspection_endpoint": "https://acme.example.com/oauth/introspect",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256"],
            "grant_types_supported": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "token_endpoint_auth_methods_supported": ["none"],
        })
    );
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn documents_of_an_unknown_host_are_not_found() {
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let mut asked = request(Method::GET, path).body(Body::empty()).unwrap();
        asked.headers_mut().insert("host", "unknown.example.com".parse().unwrap());
        let (status, code, _) = World::new().send(asked).await.error();
        assert_eq!((status, code.as_str()), (404, "not_found"));
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_looked_up_is_not_cached() {
    let world = World::new();
    world.directory.goes_away();
    let reply = get(&world, "/.well-known/jwks.json").await;
    let (status, _, description) = reply.error();
    assert_eq!((status, reply.header("cache-control")), (503, Some("no-store")));
    assert!(!description.contains("db.internal"));
}

#[tokio::test]
async fn it_is_ready_when_its_embedder_says_so_and_alive_in_any_case() {
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let options =
        ServerOptions { ready: Arc::new(move || asked.load(Ordering::Relaxed)), ..ServerOptions::default() };
    let world = World::with(Tenants::usual(), options);
    assert_eq!(get(&world, "/readyz").await.status, 503);
    assert_eq!(get(&world, "/healthz").await.status, 200);
    ready.store(true, Ordering::Relaxed);
    let reply = get(&world, "/readyz").await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, r#"{"status":"ok"}"#));
}

#[tokio::test]
async fn health_needs_no_host() {
    let mut asked = request(Method::GET, "/healthz").body(Body::empty()).unwrap();
    asked.headers_mut().remove("host");
    assert_eq!(World::new().send(asked).await.status, 200);
}

#[tokio::test]
async fn each_path_names_the_methods_it_serves() {
    let world = World::new();
    for path in PATHS {
        let served = match path {
            "/delegation" => "POST, OPTIONS",
            "/oauth/revoke" => "POST",
            _ => "GET, HEAD",
        };
        for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = world.send(request(method, path).body(Body::empty()).unwrap()).await;
            let (status, code, _) = reply.error();
            assert_eq!((status, code.as_str()), (405, "invalid_request"), "{path}");
            assert_eq!(reply.header("allow"), Some(served), "{path}");
        }
    }
    assert_eq!(
        world.send(request(Method::HEAD, "/delegation").body(Body::empty()).unwrap()).await.status,
        405
    );
    assert_eq!(
        world.send(request(Method::GET, "/oauth/revoke").body(Body::empty()).unwrap()).await.status,
        405
    );
}

#[tokio::test]
async fn documents_can_be_asked_for_without_their_body() {
    let world = World::new();
    for path in &PATHS[2..] {
        let reply = world.send(request(Method::HEAD, path).body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn any_other_path_is_not_there() {
    let world = World::new();
    for path in
        ["/", "/delegation/", "/Delegation", "/delegation/x", "/oauth", "/.well-known", "//delegation"]
    {
        let reply = get(&world, path).await;
        let (status, code, _) = reply.error();
        assert_eq!((status, code.as_str()), (404, "not_found"), "{path} at {ACME}");
    }
}
