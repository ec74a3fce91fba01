//! What token verifiers and orchestrators read, and the methods and paths that are not served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use locum_server::ServerOptions;
use locum_testing::{ACME, GLOBEX, acme_key, claims_for, globex_key, rs256, signing_key};
use serde_json::{Value, json};

use crate::test_server::{TestServer, at, code, empty};

const PATHS: [&str; 8] = [
    "/delegation",
    "/oauth/token",
    "/oauth/revoke",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/healthz",
    "/readyz",
];

#[tokio::test]
async fn a_published_key_verifies_what_the_tenant_signs() {
    let reply = TestServer::new().get("/.well-known/jwks.json").await;
    let keys = reply.json();
    let key = &keys["keys"][0];
    let (n, e) = (key["n"].as_str().unwrap(), key["e"].as_str().unwrap());
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["rs256"]);
    validation.validate_exp = false;
    let verified = |n: &str| {
        let key = DecodingKey::from_rsa_components(n, e).unwrap();
        decode::<Value>(&rs256(ACME, &claims_for("rs256")), &key, &validation).is_ok()
    };
    assert!(verified(n));
    assert!(!verified(&n.replacen(&n[10..12], "AA", 1)));
}

/// A JWK with `alg` verifies that algorithm alone, and one key of the tenant signs with four.
#[tokio::test]
async fn the_published_key_alone_verifies_every_algorithm_of_the_tenants_key() {
    let keys = TestServer::new().get("/.well-known/jwks.json").await.json();
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let jwk = keys.find("key of acme.example.com").unwrap();
    let key = DecodingKey::from_jwk(jwk).unwrap();
    for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert!(jwk.common.key_algorithm.is_none(), "a verifier that honours alg refuses {algorithm:?}");
        let mut header = Header::new(algorithm);
        header.kid = Some("key of acme.example.com".to_owned());
        let verified = |pem: &str, algorithms: &[Algorithm]| {
            let private = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
            let token = encode(&header, &claims_for("rs256"), &private).unwrap();
            let mut validation = Validation::new(algorithm);
            validation.algorithms = algorithms.to_vec();
            validation.set_audience(&["rs256"]);
            validation.validate_exp = false;
            decode::<Value>(&token, &key, &validation).is_ok()
        };
        assert!(verified(acme_key(), &[algorithm]), "{algorithm:?}");
        assert!(!verified(globex_key(), &[algorithm]), "{algorithm:?}");
        assert!(!verified(acme_key(), &[Algorithm::PS512]), "{algorithm:?}");
    }
}

#[tokio::test]
async fn all_public_keys_are_published_and_no_private_member() {
    let server = TestServer::with(|setup| {
        let mut previous = signing_key(GLOBEX);
        previous.kid = "the previous key".to_owned();
        setup.acme.tenant.signing_keys.push(previous);
    });
    let reply = server.get("/.well-known/jwks.json").await;
    let keys = reply.json()["keys"].clone();
    let kids: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids, ["key of acme.example.com", "the previous key"]);
    for key in keys.as_array().unwrap() {
        let members: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "use", "kid", "n", "e"]);
    }
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn discovery_has_the_members_that_client_libraries_require() {
    let reply = TestServer::new().get("/.well-known/openid-configuration").await;
    let assertions = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
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
            "id_token_signing_alg_values_supported":
                ["HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "EdDSA"],
            "grant_types_supported": [
                "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "refresh_token",
            ],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": assertions,
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "introspection_endpoint_auth_signing_alg_values_supported": assertions,
            "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
            "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        })
    );
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let metadata = TestServer::new().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata.json(), reply.json());
}

#[tokio::test]
async fn discovery_names_userinfo_where_the_tenant_allows_it() {
    let server = TestServer::with(|setup| setup.acme.tenant.delegation.profile_endpoints = true);
    let document = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["userinfo_endpoint"], "https://acme.example.com/userinfo");
}

/// Tokens name the same issuer wherever the router is mounted.
#[tokio::test]
async fn discovery_names_urls_under_the_path_prefix() {
    let prefixed = ServerOptions { path_prefix: "/auth".to_owned(), ..ServerOptions::default() };
    let document = TestServer::with_options(prefixed).get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["issuer"], "https://acme.example.com/");
    for (member, url) in [
        ("authorization_endpoint", "https://acme.example.com/auth/authorize"),
        ("jwks_uri", "https://acme.example.com/auth/.well-known/jwks.json"),
        ("revocation_endpoint", "https://acme.example.com/auth/oauth/revoke"),
    ] {
        assert_eq!(document[member], url, "{member}");
    }
}

#[tokio::test]
async fn documents_of_an_unknown_host_are_not_found() {
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let reply = TestServer::new().send(at("unknown.example.com", empty(Method::GET, path))).await;
        assert_eq!(reply.error_code(), code(404, "not_found"));
    }
}

#[tokio::test]
async fn the_refusal_of_an_unavailable_directory_is_not_cached() {
    let server = TestServer::new();
    server.doubles.calls.fail_all_of("tenant");
    let reply = server.get("/.well-known/jwks.json").await;
    let (status, _, description) = reply.error();
    assert_eq!((status, reply.header("cache-control")), (503, Some("no-store")));
    assert!(!description.contains("db.internal"));
}

#[tokio::test]
async fn readiness_is_the_embedders_and_liveness_does_not_depend_on_it() {
    let ready = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&ready);
    let options =
        ServerOptions { ready: Arc::new(move || shared.load(Ordering::Relaxed)), ..ServerOptions::default() };
    let server = TestServer::with_options(options);
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/healthz").await.status, 200);
    ready.store(true, Ordering::Relaxed);
    let reply = server.get("/readyz").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"ok"}"#));
}

#[tokio::test]
async fn health_checks_need_no_host() {
    let mut request = empty(Method::GET, "/healthz");
    request.headers_mut().remove("host");
    assert_eq!(TestServer::new().send(request).await.status, 200);
}

#[tokio::test]
async fn another_method_is_refused_with_the_methods_of_the_path() {
    let server = TestServer::new();
    for path in PATHS {
        let served: &[&str] = match path {
            "/delegation" | "/oauth/token" => &["OPTIONS", "POST"],
            "/oauth/revoke" => &["POST"],
            path if path.starts_with("/.well-known/") => &["GET", "HEAD", "OPTIONS"],
            _ => &["GET", "HEAD"],
        };
        for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = server.send(empty(method, path)).await;
            assert_eq!(reply.error_code(), code(405, "invalid_request"), "{path}");
            assert_eq!(reply.allowed_methods(), served, "{path}");
        }
    }
    let put = server.send(empty(Method::PUT, "/delegation")).await;
    assert_eq!(put.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(server.send(empty(Method::HEAD, "/delegation")).await.status, 405);
    assert_eq!(server.send(empty(Method::GET, "/oauth/revoke")).await.status, 405);
}

#[tokio::test]
async fn head_gives_documents_without_their_body() {
    let server = TestServer::new();
    for path in &PATHS[3..] {
        let reply = server.send(empty(Method::HEAD, path)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn any_other_path_is_not_found() {
    let server = TestServer::new();
    for path in
        ["/", "/delegation/", "/Delegation", "/delegation/x", "/oauth", "/.well-known", "//delegation"]
    {
        assert_eq!(server.get(path).await.error_code(), code(404, "not_found"), "{path}");
    }
}
