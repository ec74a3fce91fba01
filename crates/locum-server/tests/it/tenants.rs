//! Two tenants in one server: nothing of one works at the other, at any endpoint.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_testing::{GLOBEX, claims_for, good, good_with, hs256};
use serde_json::json;

use crate::test_server::{TestServer, at, code, empty, get_jsonp, post, post_body, request};

const GLOBEX_ORIGIN: &str = "https://globex.example";

fn at_globex(request: Request<Body>) -> Request<Body> {
    at(GLOBEX, request)
}

#[tokio::test]
async fn a_token_of_one_tenant_is_refused_at_the_other() {
    let server = TestServer::new();
    assert_eq!(server.send(post(&good())).await.status, 200);
    let reply = server.send(at_globex(post(&good()))).await;
    assert_eq!(reply.error_code(), code(400, "invalid_grant"));
}

#[tokio::test]
async fn an_origin_of_one_tenant_is_refused_at_the_other() {
    let server = TestServer::new();
    let preflight = || {
        let request = request(Method::OPTIONS, "/delegation").header("access-control-request-method", "POST");
        request.header("origin", GLOBEX_ORIGIN).body(Body::empty()).unwrap()
    };
    assert_eq!(server.send(at_globex(preflight())).await.header("access-control-max-age"), Some("600"));
    assert_eq!(server.send(preflight()).await.header("access-control-max-age"), None);

    let with_origin = |mut request: Request<Body>| {
        request.headers_mut().insert("origin", GLOBEX_ORIGIN.parse().unwrap());
        request
    };
    let mut claims = claims_for("caller");
    claims["iss"] = format!("https://{GLOBEX}/").into();
    let globex_token = good_with(json!({"id_token": hs256(&claims)}));
    let readable = server.send(at_globex(with_origin(post(&globex_token)))).await;
    assert_eq!(readable.status, 200);
    assert_eq!(readable.header("access-control-allow-origin"), Some(GLOBEX_ORIGIN));
    let unreadable = server.send(with_origin(post(&good()))).await;
    assert_eq!(unreadable.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn jsonp_of_one_tenant_is_not_served_at_the_other() {
    let server = TestServer::with_jsonp();
    let get = || get_jsonp(&good_with(json!({"cbx": "c"})));
    assert_eq!(server.send(get()).await.status, 200);
    assert_eq!(server.send(at_globex(get())).await.status, 405);
}

#[tokio::test]
async fn documents_describe_the_tenant_of_the_host() {
    let server = TestServer::new();
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let get = || empty(Method::GET, path);
        let (acme, globex) = (server.send(get()).await.body, server.send(at_globex(get())).await.body);
        assert!(acme.contains("acme") && !acme.contains("globex"), "{acme}");
        assert!(globex.contains("globex") && !globex.contains("acme"), "{globex}");
    }
}

#[tokio::test]
async fn a_client_of_one_tenant_cannot_revoke_at_the_other() {
    let server = TestServer::with(|setup| setup.globex.clients.retain(|client| client.id != "crm"));
    let revocation =
        || post_body("/oauth/revoke", "application/json", r#"{"client_id":"crm","token":"known"}"#);
    assert_eq!(server.send(revocation()).await.status, 200);
    assert_eq!(server.send(at_globex(revocation())).await.error_code(), code(401, "invalid_client"));
}
