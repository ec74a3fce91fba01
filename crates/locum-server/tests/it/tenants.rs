//! Two tenants in one service: nothing of the one opens the other, at any endpoint.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::tenant::DelegationPolicy;

use crate::world::{Tenants, World, form, good, good_but, post, request};

const GLOBEX: &str = "globex.example.com";

fn at_globex(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("host", GLOBEX.parse().unwrap());
    request
}

#[tokio::test]
async fn a_token_of_one_tenant_is_none_at_the_other() {
    let world = World::new();
    assert_eq!(world.send(post(&good())).await.status, 200);
    let (status, code, _) = world.send(at_globex(post(&good()))).await.error();
    assert_eq!((status, code.as_str()), (400, "invalid_grant"));
}

#[tokio::test]
async fn an_origin_of_one_tenant_is_none_at_the_other() {
    let world = World::new();
    let preflight = || {
        let asked = request(Method::OPTIONS, "/delegation").header("access-control-request-method", "POST");
        asked.header("origin", "https://globex.example").body(Body::empty()).unwrap()
    };
    assert_eq!(world.send(at_globex(preflight())).await.header("access-control-max-age"), Some("600"));
    assert_eq!(world.send(preflight()).await.header("access-control-max-age"), None);
    let mut asked = post(&good());
    asked.headers_mut().insert("origin", "https://globex.example".parse().unwrap());
    assert_eq!(world.send(asked).await.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn jsonp_of_one_tenant_is_not_the_others() {
    let world =
        World::of(Tenants::with_policy(DelegationPolicy { jsonp: true, ..DelegationPolicy::default() }));
    let query = form(good_but("cbx", "c").as_object().unwrap());
    let get = || request(Method::GET, &format!("/delegation?{query}")).body(Body::empty()).unwrap();
    assert_eq!(world.send(get()).await.status, 200);
    assert_eq!(world.send(at_globex(get())).await.status, 405);
}

#[tokio::test]
async fn documents_speak_of_the_tenant_that_was_asked() {
    let world = World::new();
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let get = || request(Method::GET, path).body(Body::empty()).unwrap();
        let (acme, globex) = (world.send(get()).await.body, world.send(at_globex(get())).await.body);
        assert!(acme.contains("acme") && !acme.contains("globex"), "{acme}");
        assert!(globex.contains("globex") && !globex.contains("acme"), "{globex}");
    }
}

#[tokio::test]
async fn a_client_of_one_tenant_revokes_nothing_at_the_other() {
    let mut tenants = Tenants::usual();
    tenants.0[1].clients.remove("cloud");
    let world = World::of(tenants);
    let revoke = || {
        let asked = request(Method::POST, "/oauth/revoke").header("content-type", "application/json");
        asked.body(Body::from(r#"{"client_id":"cloud","token":"known"}"#)).unwrap()
    };
    assert_eq!(world.send(revoke()).await.status, 200);
    assert_eq!(world.send(at_globex(revoke())).await.error().0, 403);
}
