//! Every call is counted, by how it ended.

use axum::body::Body;
use axum::http::Request;
use locum_engine::RefusalKind;
use locum_engine::ports::{Endpoint, Outcome};
use serde_json::json;

use crate::test_service::{Asked, TestService, with, with_all};

/// What was counted since the last time.
fn counted(service: &TestService) -> Vec<Outcome> {
    let recorded = service.observer.take();
    assert!(recorded.api_types.iter().all(Option::is_none), "{recorded:?}");
    assert!(recorded.steps.is_empty(), "{recorded:?}");
    recorded
        .requests
        .into_iter()
        .map(|(endpoint, _, outcome)| {
            assert_eq!(endpoint, Endpoint::Management);
            outcome
        })
        .collect()
}

#[tokio::test]
async fn each_call_is_counted_once_by_how_it_ended() {
    let service = TestService::new().await;
    let older = Asked { headers: vec![("if-match", "\"77\"".to_owned())], ..with_all() };
    let refused = Outcome::Refused;
    for (asked, method, path, body, expected) in [
        (with_all(), "GET", "/clients", json!({}), Outcome::Managed),
        (with_all(), "PATCH", "/clients/crm", json!({"name": "x"}), Outcome::Managed),
        (with("x"), "GET", "/clients", json!({}), Outcome::InsufficientScope),
        (with_all(), "GET", "/clients/nobody", json!({}), refused(RefusalKind::NotFound)),
        (with_all(), "GET", "/clients?x=y", json!({}), refused(RefusalKind::InvalidRequest)),
        (with_all(), "PATCH", "/clients/crm", json!({"unknown": 1}), refused(RefusalKind::InvalidRequest)),
        (older, "PATCH", "/clients/crm", json!({"name": "y"}), Outcome::PreconditionFailed),
        (with_all(), "POST", "/keys/signing/rotate", json!({}), Outcome::Conflict),
    ] {
        service.send_text(&asked, method, path, body.to_string()).await;
        assert_eq!(counted(&service), [expected], "{method} {path}");
    }
    let request = Request::get("/api/v2/clients").header("host", "acme.example.com");
    assert_eq!(service.send(request.body(Body::empty()).unwrap()).await.status, 401);
    assert_eq!(counted(&service), [refused(RefusalKind::InvalidToken)]);
    // As elsewhere, paths that nobody serves are not counted, nor is the description.
    for path in ["/nothing", "/openapi.json"] {
        service.get(&with_all(), path).await;
        assert_eq!(counted(&service), [], "{path}");
    }
}
