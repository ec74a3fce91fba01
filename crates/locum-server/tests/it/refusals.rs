//! Every row of the refusal table, reached by a request.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::{JWT_BEARER, RefusalKind};
use locum_server::{Limits, ServerOptions};
use serde_json::json;

use crate::world::{ACME, NOW, Reply, Tenants, UNSTORED, World, good, good_but, post, request, token_of};

async fn refused(parameters: serde_json::Value) -> (u16, String, String) {
    World::new().delegate(parameters).await.error()
}

/// The request that each row is for.
async fn provoked(kind: RefusalKind) -> Reply {
    let world = World::new();
    let claims = |sub: &str, exp: i64| {
        token_of(
            &json!({"iss": format!("https://{ACME}/"), "aud": "caller", "sub": sub, "iat": NOW - 600, "exp": exp}),
        )
    };
    match kind {
        RefusalKind::InvalidRequest => world.delegate(json!({})).await,
        RefusalKind::UnsupportedGrantType => world.delegate(good_but("grant_type", "password")).await,
        RefusalKind::InvalidGrant => world.delegate(good_but("id_token", claims("auth0|alice", NOW))).await,
        RefusalKind::UnsupportedTokenType => {
            let body = Body::from("client_id=caller&token=eyJ.eyJ.sig");
            let form = "application/x-www-form-urlencoded";
            world
                .send(request(Method::POST, "/oauth/revoke").header("content-type", form).body(body).unwrap())
                .await
        }
        RefusalKind::Unauthorized => {
            world.delegate(good_but("id_token", claims("auth0|mallory", NOW + 1))).await
        }
        RefusalKind::UnauthorizedClient => world.delegate(good_but("client_id", "nobody")).await,
        RefusalKind::AccessDenied => world.delegate(good_but("make", "upstream_refuses")).await,
        RefusalKind::NotFound => world.send(at("unknown.example.com")).await,
        RefusalKind::MethodNotAllowed => {
            world.send(request(Method::PUT, "/delegation").body(Body::empty()).unwrap()).await
        }
        RefusalKind::BodyTooLarge => world.delegate(good_but("device", "x".repeat(64 * 1024))).await,
        RefusalKind::UnsupportedMediaType => {
            world
                .send(request(Method::POST, "/delegation").body(Body::from(good().to_string())).unwrap())
                .await
        }
        RefusalKind::TooManyRequests => {
            for _ in 0..10 {
                assert_eq!(world.delegate(good()).await.status, 200);
            }
            world.delegate(good()).await
        }
        RefusalKind::ServerError => world.delegate(good_but("make", "internal")).await,
        RefusalKind::UpstreamUnreachable => world.delegate(good_but("make", "unreachable")).await,
        RefusalKind::TemporarilyUnavailable => {
            let limits = Limits { in_flight_max: 0, ..Limits::default() };
            let options = ServerOptions { limits, ..ServerOptions::default() };
            World::with(Tenants::usual(), options).delegate(good()).await
        }
        RefusalKind::IssuerHung => world.delegate(good_but("make", "hung")).await,
        RefusalKind::UpstreamTimedOut => world.delegate(good_but("make", "upstream_slow")).await,
        other => panic!("no request is known to provoke {other:?}"),
    }
}

fn at(host: &str) -> Request<Body> {
    let mut request = post(&good());
    request.headers_mut().insert("host", host.parse().unwrap());
    request
}

#[tokio::test]
async fn every_row_is_reached_and_looks_alike() {
    for kind in RefusalKind::ALL {
        let reply = provoked(kind).await;
        let (status, code, _) = kind.row();
        let (replied_status, replied_code, description) = reply.error();
        assert_eq!((replied_status, replied_code.as_str()), (status, code), "{kind:?}: {description}");
        assert!(!description.is_empty() && description.len() < 300, "{kind:?}: {description}");
        let lines = reply.header_lines();
        for line in UNSTORED {
            assert!(lines.iter().any(|sent| sent == line), "{kind:?} lacks {line}");
        }
    }
}

#[tokio::test]
async fn the_eleventh_is_told_how_long_to_wait() {
    let reply = provoked(RefusalKind::TooManyRequests).await;
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some((NOW + 600).to_string().as_str()));
    for kind in [RefusalKind::TemporarilyUnavailable, RefusalKind::UpstreamUnreachable] {
        assert_eq!(provoked(kind).await.header("retry-after"), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    for name in ["client_id", "grant_type", "id_token"] {
        let error = refused(good_but(name, "")).await;
        assert_eq!(error, (400, "invalid_request".to_owned(), format!("missing {name} parameter")));
    }
}

#[tokio::test]
async fn nothing_of_an_upstreams_prose_reaches_a_client() {
    for make in ["upstream_refuses", "internal", "unreachable", "panic"] {
        let (_, _, description) = refused(good_but("make", make)).await;
        assert!(!description.contains("secret-role"), "{make}: {description}");
    }
    let (_, _, description) = refused(good_but("make", "upstream_refuses")).await;
    assert_eq!(description, "the upstream refused: AccessDenied");
}

#[tokio::test]
async fn an_issuers_words_about_a_parameter_are_told() {
    let error = refused(good_but("make", "parameter")).await;
    assert_eq!(error, (400, "invalid_request".to_owned(), "containerName may not be empty".to_owned()));
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused_in_both_kinds_of_body() {
    let world = World::new();
    let json =
        format!(r#"{{"client_id":"caller","grant_type":"{JWT_BEARER}","id_token":"t","id_token":"t"}}"#);
    let mut twice = post(&good());
    *twice.body_mut() = Body::from(json);
    let error = world.send(twice).await.error();
    assert_eq!((error.0, error.1.as_str()), (400, "invalid_request"));
    assert!(error.2.contains("twice"), "{}", error.2);

    let form =
        request(Method::POST, "/delegation").header("content-type", "application/x-www-form-urlencoded");
    let error = world.send(form.body(Body::from("scope=openid&scope=openid")).unwrap()).await.error();
    assert_eq!(error, (400, "invalid_request".to_owned(), "the parameter scope was sent twice".to_owned()));
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_is_refused() {
    let world = World::new();
    for body in ["", "[]", "client_id=caller", "{\"client_id\":\"caller\"", "\u{feff}{}"] {
        let mut request = post(&good());
        *request.body_mut() = Body::from(body);
        let error = world.send(request).await.error();
        assert_eq!((error.0, error.1.as_str()), (400, "invalid_request"), "{body}");
    }
}

#[tokio::test]
async fn a_host_must_be_one_name() {
    let world = World::new();
    assert_eq!(world.send(at("ACME.example.com:8080")).await.status, 200);
    for host in ["", "acme.example.com/", "a b", "user@acme.example.com"] {
        assert_eq!(world.send(at(host)).await.status, 400, "{host}");
    }
    let mut two = at(ACME);
    two.headers_mut().append("host", ACME.parse().unwrap());
    assert_eq!(world.send(two).await.status, 400);
    let mut none = at(ACME);
    none.headers_mut().remove("host");
    assert_eq!(world.send(none).await.status, 400);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_audited_once() {
    let world = World::new();
    let mut request = post(&good());
    *request.body_mut() = Body::from("{");
    assert_eq!(world.send(request).await.status, 400);
    let event = world.recorder.only_event();
    assert_eq!(event.code.as_str(), "fd");
    assert_eq!(event.refusal.unwrap().status, 400);
}

#[tokio::test]
async fn a_directory_that_is_away_is_not_shown() {
    let world = World::new();
    world.directory.goes_away();
    let (status, code, description) = world.delegate(good()).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    assert!(!description.contains("db.internal"), "{description}");
}
