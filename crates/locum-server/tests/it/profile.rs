//! `/tokeninfo` and `/userinfo`.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_testing::id_token;
use serde_json::json;

use crate::test_server::{FORM, TestServer, code, empty, post_body, request};

fn server() -> TestServer {
    TestServer::with(|setup| setup.acme.tenant.delegation.profile_endpoints = true)
}

fn user_info(method: Method, header: Option<&str>, query: &str) -> Request<Body> {
    let mut request = empty(method, &format!("/userinfo{query}"));
    if let Some(header) = header {
        request.headers_mut().insert("authorization", header.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn tokeninfo_takes_the_token_of_a_form_of_json_or_of_the_query() {
    let server = server();
    let token = id_token("caller");
    let form = server.send(post_body("/tokeninfo", FORM, format!("id_token={token}"))).await;
    assert_eq!((form.status, &form.json()["user_id"]), (200, &json!("auth0|alice")));
    assert_eq!(form.header("cache-control"), Some("no-store"));
    assert_eq!(form.header("x-ratelimit-limit"), Some("800"));
    let body = json!({ "id_token": token }).to_string();
    let json = server.send(post_body("/tokeninfo", "application/json", body)).await;
    assert_eq!(json.json(), form.json());
    let query = server.get(&format!("/tokeninfo?id_token={token}")).await;
    assert_eq!((query.status, query.json()), (200, form.json()));
    let missing = server.send(post_body("/tokeninfo", FORM, "")).await;
    assert_eq!(missing.error_code(), code(400, "invalid_request"));
    let invalid = server.send(post_body("/tokeninfo", FORM, "id_token=opaque")).await;
    assert_eq!(invalid.error_code(), code(401, "invalid_token"));
}

#[tokio::test]
async fn userinfo_takes_a_bearer_token_by_get_and_post() {
    let server = server();
    let token = id_token("caller");
    let bearer = format!("Bearer {token}");
    for method in [Method::GET, Method::POST] {
        let reply = server.send(user_info(method.clone(), Some(&bearer), "")).await;
        assert_eq!((reply.status, &reply.json()["sub"]), (200, &json!("auth0|alice")), "{method}");
    }
    let query = server.send(user_info(Method::GET, None, &format!("?access_token={token}"))).await;
    assert_eq!(query.status, 200);
    for request in [
        user_info(Method::GET, None, ""),
        user_info(Method::GET, Some("Bearer opaque"), ""),
        user_info(Method::GET, Some("Basic YTpi"), ""),
    ] {
        let reply = server.send(request).await;
        assert_eq!(reply.error_code(), code(401, "invalid_token"));
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"users\", error=\"invalid_token\""));
    }
    let twice = server.send(user_info(Method::GET, Some(&bearer), &format!("?access_token={token}"))).await;
    assert_eq!(twice.error_code(), code(400, "invalid_request"));
}

#[tokio::test]
async fn pages_of_the_tenants_origins_may_read_both() {
    let server = server();
    for (path, method) in [("/tokeninfo", "POST"), ("/userinfo", "GET")] {
        let preflight = request(Method::OPTIONS, path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization")
            .body(Body::empty())
            .unwrap();
        let reply = server.send(preflight).await;
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"), "{path}");
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, POST"));
    }
    for (origin, allowed) in
        [("https://app.example", Some("https://app.example")), ("https://evil.example", None)]
    {
        let mut request = user_info(Method::GET, Some(&format!("Bearer {}", id_token("caller"))), "");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let reply = server.send(request).await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert_eq!(reply.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_allow_them_has_no_such_path() {
    let server = TestServer::new();
    let token_info =
        server.send(post_body("/tokeninfo", FORM, format!("id_token={}", id_token("caller")))).await;
    assert_eq!(token_info.error_code(), code(404, "not_found"));
    let bearer = format!("Bearer {}", id_token("caller"));
    for header in [Some(bearer.as_str()), Some("Bearer opaque"), Some("Basic YTpi"), None] {
        let reply = server.send(user_info(Method::GET, header, "")).await;
        assert_eq!(reply.error_code(), code(404, "not_found"), "{header:?}");
        assert_eq!(reply.header("www-authenticate"), None);
    }
    for body in ["", "id_token=opaque", "id_token=a&id_token=b"] {
        let reply = server.send(post_body("/tokeninfo", FORM, body)).await;
        assert_eq!(reply.error_code(), code(404, "not_found"), "{body}");
    }
}
