//! Management tokens over HTTP: the grant `client_credentials` as OAuth clients and Auth0's see it.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_engine::ManagementTokenError;
use locum_engine::model::{ClientAuthentication, ManagementKey, SecretDigest};
use locum_testing::{ACME, GLOBEX, TestSetup, finished, object, tenant_at};
use serde_json::{Value, json};

use crate::test_server::{FORM, TestServer, UNCACHED_JSON, at, code, form, post_body};

const AUDIENCE: &str = "https://acme.example.com/api/v2/";

fn setup(setup: &mut TestSetup) {
    let key = ManagementKey::new("a management key of at least thirty-two bytes".into());
    setup.acme.tenant.management_keys = vec![key.unwrap()];
    setup.acme.is_default = true;
    let worker = setup.client("worker");
    worker.authentication = ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
    worker.management_scopes = vec!["read:users".to_owned(), "read:clients".to_owned()];
}

fn parameters(changes: Value) -> serde_json::Map<String, Value> {
    let mut parameters = object(json!({
        "grant_type": "client_credentials", "client_id": "worker", "client_secret": "s3cret", "audience": AUDIENCE,
    }));
    parameters.extend(object(changes));
    parameters
}

fn asked(changes: Value) -> Request<Body> {
    post_body("/oauth/token", FORM, form(&parameters(changes)))
}

#[tokio::test]
async fn a_client_gets_a_token_as_auth0_answers_one() {
    let server = TestServer::with(setup);
    let json = Value::Object(parameters(json!({}))).to_string();
    for request in [asked(json!({})), post_body("/oauth/token", "application/json", json)] {
        let reply = server.send(request).await;
        let body = reply.json();
        assert_eq!(
            (reply.status, &body),
            (
                200,
                &json!({
                    "access_token": body["access_token"], "token_type": "Bearer", "expires_in": 86_400,
                    "scope": "read:users read:clients",
                })
            )
        );
        let mut lines = reply.header_lines();
        lines.retain(|line| line != "vary: Origin");
        assert_eq!(lines, UNCACHED_JSON);
        let token = body["access_token"].as_str().unwrap();
        let tenant = tenant_at(&*server.doubles.directory, ACME);
        let caller = finished(server.doubles.engine.management_caller(tenant, Some(token))).unwrap();
        assert_eq!((caller.subject().as_str(), caller.has("read:users")), ("worker@clients", true));
    }
}

#[tokio::test]
async fn the_secret_is_taken_from_the_header_too() {
    let server = TestServer::with(setup);
    let with = |secret: &str| {
        let mut request = asked(json!({"client_id": "", "client_secret": "", "scope": "read:users"}));
        let credentials = format!("Basic {}", BASE64_STANDARD.encode(format!("worker:{secret}")));
        request.headers_mut().insert("authorization", credentials.parse().unwrap());
        request
    };
    let reply = server.send(with("s3cret")).await;
    assert_eq!((reply.status, &reply.json()["scope"]), (200, &json!("read:users")));
    let refused = server.send(with("s3cres")).await;
    assert_eq!(refused.error_code(), code(401, "invalid_client"));
    assert!(refused.header("www-authenticate").is_some());
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let server = TestServer::with(setup);
    for (changes, status, error) in [
        (json!({"client_secret": "s3cres"}), 401, "invalid_client"),
        (json!({"client_secret": ""}), 401, "invalid_client"),
        (json!({"client_id": "nobody"}), 401, "invalid_client"),
        (json!({"client_id": "api", "client_secret": ""}), 400, "unauthorized_client"),
        (json!({"audience": ""}), 400, "invalid_request"),
        (json!({"audience": "https://globex.example.com/api/v2/"}), 400, "invalid_target"),
        (json!({"scope": "read:users delete:users"}), 400, "invalid_scope"),
        (json!({"resource": "urn:x"}), 400, "invalid_request"),
    ] {
        let reply = server.send(asked(changes.clone())).await;
        assert_eq!(reply.error_code(), code(status, error), "{changes}");
    }
    let twice = format!("{}&audience=x", form(&parameters(json!({}))));
    let reply = server.send(post_body("/oauth/token", FORM, twice)).await;
    assert_eq!(reply.error_code(), code(400, "invalid_target"));
    let without_keys = server.send(at(GLOBEX, asked(json!({})))).await;
    assert_eq!(without_keys.error_code(), code(400, "unsupported_grant_type"));
}

#[tokio::test]
async fn the_host_chooses_the_tenant_and_no_name_in_its_tokens() {
    let server = TestServer::with(setup);
    let host = "192.0.2.1";
    let of_the_host = json!({"audience": format!("https://{host}/api/v2/")});
    assert_eq!(server.send(at(host, asked(of_the_host))).await.error_code(), code(400, "invalid_target"));
    let reply = server.send(at(host, asked(json!({})))).await;
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    let caller = |host: &str| {
        let tenant = tenant_at(&*server.doubles.directory, host);
        finished(server.doubles.engine.management_caller(tenant, Some(&token)))
    };
    assert_eq!(caller(ACME).unwrap().tenant().domain(), ACME);
    assert_eq!(caller(GLOBEX).unwrap_err(), ManagementTokenError::NotServed);
}

#[tokio::test]
async fn the_metadata_name_the_grant_where_the_tenant_has_keys() {
    let server = TestServer::with(setup);
    let grants = async |host: &str| {
        let request = crate::test_server::empty(axum::http::Method::GET, "/.well-known/openid-configuration");
        server.send(at(host, request)).await.json()["grant_types_supported"].clone()
    };
    let of_users = [
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "refresh_token",
    ];
    assert_eq!(grants(GLOBEX).await, json!(of_users));
    let [exchange, assertion, refresh] = of_users;
    assert_eq!(grants(ACME).await, json!([exchange, assertion, refresh, "client_credentials"]));
}

#[tokio::test]
async fn the_key_is_in_no_document() {
    let server = TestServer::with(setup);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/readyz"] {
        let body = server.get(path).await.body;
        assert!(!body.contains("management") && !body.contains("oct"), "{path}: {body}");
    }
    let keys = server.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1, "the RSA key alone");
}
