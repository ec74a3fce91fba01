//! Who may call.

use axum::body::Body;
use axum::http::Request;
use locum_testing::{ACME, GLOBEX};

use crate::test_service::{Asked, Reply, TestService, with, with_all};

async fn get_with(service: &TestService, host: &str, headers: &[(&str, String)]) -> Reply {
    let mut request = Request::builder().uri("/api/v2/clients").header("host", host);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_a_valid_token_of_the_tenant_of_the_host_is_accepted() {
    let service = TestService::new().await;
    let token = service.token(ACME, None).await;
    let bearer = |token: &str| [("authorization", format!("Bearer {token}"))];
    assert_eq!(get_with(&service, ACME, &bearer(&token)).await.status, 200);
    let other = service.token(GLOBEX, None).await;
    for headers in [&bearer(&other)[..], &bearer("x.y.z")[..], &[]] {
        let reply = get_with(&service, ACME, headers).await;
        assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
        assert!(reply.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    }
    assert_eq!(get_with(&service, GLOBEX, &bearer(&token)).await.status, 401);
    let nowhere = get_with(&service, "nowhere.example", &bearer(&token)).await;
    assert_eq!(nowhere.refusal(), (404, "not_found".to_owned()));
    service.clock.advance(2_000_000);
    assert_eq!(get_with(&service, ACME, &bearer(&token)).await.status, 401);
}

#[tokio::test]
async fn each_token_subject_has_a_rate_limit() {
    let service = TestService::new().await;
    let mut last = service.get(&with_all(), "/clients/worker").await;
    assert_eq!(last.headers["x-ratelimit-limit"], "50");
    for _ in 0..50 {
        service.clock.advance(-1);
        last = service.get(&with("read:clients"), "/clients/worker").await;
    }
    assert_eq!(last.refusal().0, 429);
    assert!(last.headers.contains_key("retry-after"));
    // Another tenant's operators are others.
    service.clock.advance(-1);
    let globex = Asked { host: GLOBEX, ..with_all() };
    assert_eq!(service.get(&globex, "/clients/worker").await.status, 200);
    service.clock.advance(1);
    assert_eq!(service.get(&with_all(), "/clients/worker").await.status, 200);
}

#[tokio::test]
async fn what_a_client_was_granted_is_what_it_may_do() {
    for service in TestService::each().await {
        let token = client_token(&service).await;
        let call = |method: &str, path: &str| {
            Request::builder()
                .method(method.to_owned().as_str())
                .uri(format!("/api/v2{path}"))
                .header("host", ACME)
                .header("authorization", format!("Bearer {token}"))
                .body(Body::empty())
                .unwrap()
        };
        assert_eq!(service.send(call("GET", "/clients/worker")).await.status, 200);
        assert_eq!(service.send(call("DELETE", "/clients/crm")).await.refusal().0, 403);
        // What is withdrawn from the grant is gone at once, and not when the token expires.
        let grants = service.get(&with_all(), "/client-grants").await.ok();
        let grant = grants[0]["id"].as_str().unwrap().to_owned();
        let narrowed = serde_json::json!({ "scope": ["update:clients"] });
        assert_eq!(
            service.patch(&with_all(), &format!("/client-grants/{grant}"), narrowed).await.status,
            200
        );
        for attempt in 0.. {
            match service.send(call("GET", "/clients/worker")).await.status {
                403 => break,
                200 if attempt < 100 => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                status => panic!("{status}"),
            }
        }
    }
}

/// A token that `worker` gets by its own secret.
async fn client_token(service: &TestService) -> String {
    let parameters = serde_json::json!({
        "grant_type": "client_credentials", "client_id": "worker",
        "client_secret": "canary-of-the-worker-0123456789", "audience": format!("https://{ACME}/api/v2/"),
    });
    let parameters = parameters.as_object().unwrap();
    let request = locum_engine::TokenRequest::parse(parameters.into(), None).unwrap();
    let tenant = service.engine.directory().tenant(ACME).wait().await;
    let response = service.engine.exchange(tenant, request, &locum_testing::caller()).await;
    match response.outcome.unwrap().issued.credential {
        locum_engine::Credential::Bearer { token, .. } => token,
        other => panic!("{other:?}"),
    }
}
