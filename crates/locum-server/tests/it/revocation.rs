//! `POST /oauth/revoke` as RFC 7009 has it.

use axum::body::Body;
use axum::http::Method;

use crate::world::{Reply, World, id_token, request};

async fn revoke(content_type: &str, body: &str) -> Reply {
    let asked = request(Method::POST, "/oauth/revoke").header("content-type", content_type);
    World::new().send(asked.body(Body::from(body.to_owned())).unwrap()).await
}

async fn revoke_form(body: &str) -> Reply {
    revoke("application/x-www-form-urlencoded", body).await
}

#[tokio::test]
async fn a_token_is_revoked_whether_it_was_known_or_not() {
    for token in ["known", "unknown"] {
        let reply = revoke_form(&format!("client_id=cloud&token={token}")).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, ""), "{token}");
        assert_eq!(
            reply.header_lines(),
            ["cache-control: no-store", "pragma: no-cache", "x-content-type-options: nosniff"]
        );
    }
}

#[tokio::test]
async fn json_does_as_well_as_a_form() {
    assert_eq!(revoke("application/json", r#"{"client_id":"cloud","token":"known"}"#).await.status, 200);
    assert_eq!(revoke("text/plain", "client_id=cloud&token=known").await.error().0, 415);
}

#[tokio::test]
async fn what_lives_until_it_expires_is_said_to() {
    let (status, code, _) =
        revoke_form(&format!("client_id=caller&token={}", id_token("caller"))).await.error();
    assert_eq!((status, code.as_str()), (400, "unsupported_token_type"));
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    for (body, missing) in [("client_id=cloud", "token"), ("token=known", "client_id")] {
        let error = revoke_form(body).await.error();
        assert_eq!(error, (400, "invalid_request".to_owned(), format!("missing {missing} parameter")));
    }
    assert_eq!(revoke_form("client_id=cloud&token=a&token=b").await.error().0, 400);
}

#[tokio::test]
async fn a_client_that_nobody_knows_revokes_nothing() {
    let (status, code, _) = revoke_form("client_id=nobody&token=known").await.error();
    assert_eq!((status, code.as_str()), (403, "unauthorized_client"));
}

#[tokio::test]
async fn a_revocation_is_audited_once() {
    let world = World::new();
    let asked =
        request(Method::POST, "/oauth/revoke").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.send(asked.body(Body::from("client_id=cloud&token=known")).unwrap()).await.status, 200);
    assert_eq!(world.recorder.only_event().code.as_str(), "srrt");
}
