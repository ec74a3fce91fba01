//! The OpenAPI description.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::test_service::{TestService, with_all};

#[tokio::test]
async fn it_is_served_without_a_token_and_names_the_scope_of_each_operation() {
    let service = TestService::new().await;
    let reply = service.send(Request::get("/api/v2/openapi.json").body(Body::empty()).unwrap()).await;
    let description = reply.ok();
    assert_eq!(description["openapi"], "3.1.0");
    let operations: Vec<&Value> = description["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .collect();
    assert!(operations.len() > 10);
    for operation in operations {
        assert!(operation["description"].as_str().unwrap().contains(':'), "{operation}");
        assert!(operation["responses"]["401"].is_object(), "{operation}");
    }
    let references = reply.text.matches("#/components/schemas/").count();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(references > 0 && name.chars().all(char::is_alphanumeric), "{name}");
    }
}

/// What the schema of a new client names is what the server takes: no field is missing, and none is refused.
#[tokio::test]
async fn every_field_of_the_schema_is_known_to_the_server() {
    let service = TestService::new().await;
    let description = service.get(&with_all(), "/openapi.json").await.ok();
    let fields = description["components"]["schemas"]["ClientPatch"]["properties"].as_object().unwrap();
    assert!(fields.len() > 50, "{fields:?}");
    for name in fields.keys() {
        let body = format!("{{\"{name}\":null}}");
        let reply = service.send_text(&with_all(), "PATCH", "/clients/worker", body).await;
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
    }
}
