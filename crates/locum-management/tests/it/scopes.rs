//! Each endpoint needs its own scope.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::test_service::{TestService, with, with_all};

/// Every endpoint: its method, path, body and scope.
fn endpoints() -> Vec<(&'static str, String, serde_json::Value, &'static str)> {
    let grant = "/client-grants/cgr_x".to_owned();
    let none = json!({});
    vec![
        ("GET", "/clients".into(), none.clone(), "read:clients"),
        ("GET", "/clients/crm".into(), none.clone(), "read:clients"),
        ("POST", "/clients".into(), json!({"name": "new"}), "create:clients"),
        ("PATCH", "/clients/crm".into(), json!({"name": "new"}), "update:clients"),
        ("POST", "/clients/crm/rotate-secret".into(), none.clone(), "update:client_keys"),
        ("DELETE", "/clients/crm".into(), none.clone(), "delete:clients"),
        ("GET", "/users".into(), none.clone(), "read:users"),
        ("GET", "/users/auth0%7Calice".into(), none.clone(), "read:users"),
        ("POST", "/users".into(), json!({"email": "bob@acme.example"}), "create:users"),
        ("PATCH", "/users/auth0%7Calice".into(), json!({"blocked": true}), "update:users"),
        ("DELETE", "/users/auth0%7Calice".into(), none.clone(), "delete:users"),
        ("GET", "/device-credentials?user_id=x".into(), none.clone(), "read:device_credentials"),
        ("DELETE", "/device-credentials/x".into(), none.clone(), "delete:device_credentials"),
        ("GET", "/tenants/settings".into(), none.clone(), "read:tenant_settings"),
        ("PATCH", "/tenants/settings".into(), json!({"friendly_name": "x"}), "update:tenant_settings"),
        ("GET", "/client-grants".into(), none.clone(), "read:client_grants"),
        (
            "POST",
            "/client-grants".into(),
            json!({"client_id": "worker", "audience": "https://api.example", "scope": []}),
            "create:client_grants",
        ),
        ("PATCH", grant.clone(), json!({"scope": []}), "update:client_grants"),
        ("DELETE", grant, none.clone(), "delete:client_grants"),
        ("GET", "/keys/signing".into(), none.clone(), "read:signing_keys"),
        ("GET", "/keys/signing/x".into(), none.clone(), "read:signing_keys"),
        ("POST", "/keys/signing".into(), none.clone(), "create:signing_keys"),
        ("POST", "/keys/signing/rotate".into(), none.clone(), "update:signing_keys"),
        ("PUT", "/keys/signing/x/revoke".into(), none.clone(), "update:signing_keys"),
        ("GET", "/locum/issuers".into(), none.clone(), "read:locum_issuers"),
        ("GET", "/locum/plugins".into(), none.clone(), "read:locum_plugins"),
        ("GET", "/locum/who-can".into(), none, "read:clients"),
    ]
}

#[tokio::test]
async fn a_call_needs_the_scope_of_its_endpoint_and_no_other() {
    let service = TestService::new().await;
    let all: Vec<&str> = endpoints().iter().map(|(.., scope)| *scope).collect();
    for (method, path, body, scope) in endpoints() {
        let others: Vec<&str> = all.iter().copied().filter(|other| *other != scope).collect();
        let reply = service.send_text(&with(&others.join(" ")), method, &path, body.to_string()).await;
        assert_eq!(reply.refusal(), (403, "insufficient_scope".to_owned()), "{method} {path}");
        assert!(reply.message().contains(scope), "{reply:?}");
        let challenge = reply.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
        let reply = service.send_text(&with(scope), method, &path, body.to_string()).await;
        // There is no such grant or key, and a new key cannot sign at once.
        let is_done = matches!(reply.status, 200 | 201 | 204 | 404 | 409);
        assert!(is_done, "{method} {path}: {reply:?}");
    }
    let described = service.get(&with(""), "/openapi.json").await.ok();
    let count: usize =
        described["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(count, endpoints().len(), "an endpoint is missing above");
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let service = TestService::new().await;
    let reply = service.send_text(&with(""), "PUT", "/clients/crm", String::new()).await;
    assert_eq!(reply.refusal(), (405, "method_not_allowed".to_owned()));
    assert_eq!(reply.headers["allow"], "GET,HEAD,PATCH,DELETE");
    for path in ["/nothing", "/clients/crm/nothing"] {
        assert_eq!(service.get(&with(""), path).await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
}

/// The program serves both at one address.
#[tokio::test]
async fn beside_the_other_endpoints_each_answers_for_its_own_paths() {
    let service = TestService::new().await.beside_the_other_endpoints();
    assert_eq!(service.get(&with_all(), "/clients/crm").await.status, 200);
    assert_eq!(service.get(&with_all(), "/nothing").await.refusal(), (404, "not_found".to_owned()));
    let elsewhere = service.send(Request::get("/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!((elsewhere.status, elsewhere.json()["error"].clone()), (404, json!("not_found")));
    let healthy = service.send(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!(healthy.status, 200);
}
