//! Bodies and query strings that are refused before anything is done.

use serde_json::json;

use crate::test_service::{Asked, TestService, with, with_all};

#[tokio::test]
async fn a_body_is_strict_json_of_bounded_size_and_depth() {
    let service = TestService::new().await;
    let deep = format!("{{\"client_metadata\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let shallow = format!("{{\"client_metadata\":{}{}}}", "[".repeat(20), "]".repeat(20));
    let large = |bytes: usize| format!("{{\"description\":\"{}\"}}", "a".repeat(bytes));
    for (body, status) in [
        (shallow, 200),
        (deep, 400),
        (r#"{"name":"a","name":"b"}"#.to_owned(), 400),
        (r#"{"client_metadata":{"a":1,"a":2}}"#.to_owned(), 400),
        (r#"{"name":"a\u0000b"}"#.to_owned(), 400),
        (r#"{"client_metadata":{"a\u0000":1}}"#.to_owned(), 400),
        ("[]".to_owned(), 400),
        ("null".to_owned(), 400),
        ("{".to_owned(), 400),
        (String::new(), 400),
        ("{} {}".to_owned(), 400),
        (large(900 << 10), 200),
        (large(1 << 20), 413),
    ] {
        let reply = service.send_text(&with_all(), "PATCH", "/clients/crm", body.clone()).await;
        assert_eq!(reply.status, status, "{}: {reply:?}", &body[..body.len().min(60)]);
    }
    let form = Asked { headers: vec![("content-encoding", "gzip".to_owned())], ..with_all() };
    assert_eq!(
        service.patch(&form, "/clients/crm", json!({})).await.refusal(),
        (415, "unsupported_media_type".to_owned())
    );
}

#[tokio::test]
async fn a_body_is_read_after_the_token_was_found_to_allow_the_call() {
    let service = TestService::new().await;
    let large = "a".repeat(2 << 20);
    let reply = service.send_text(&with("read:clients"), "PATCH", "/clients/crm", large).await;
    assert_eq!(reply.refusal().0, 403);
}

#[tokio::test]
async fn a_query_string_has_known_parameters_with_valid_values_once() {
    let service = TestService::new().await;
    for (query, status) in [
        ("page=0&per_page=100&include_totals=true", 200),
        ("page=-1", 400),
        ("page=a", 400),
        ("page=1&page=1", 400),
        ("page=", 400),
        ("page=99999999999", 400),
        ("per_page=101", 400),
        ("per_page=0", 400),
        ("include_totals=yes", 400),
        ("is_global=1", 400),
        ("unknown=1", 400),
        ("take=2&page=1", 400),
        ("take=2&include_totals=true", 200),
        ("from=!", 400),
        ("fields=%00", 400),
        ("fields=%ff", 400),
    ] {
        let reply = service.get(&with_all(), &format!("/clients?{query}")).await;
        assert_eq!(reply.status, status, "{query}: {reply:?}");
        if status == 400 {
            assert_eq!(reply.refusal().1, "invalid_query_string", "{query}");
        }
    }
    assert_eq!(service.get(&with_all(), "/clients/a%00b").await.refusal().0, 404);
}
