//! Token exchange (RFC 8693): who may, for which target, in which scope, and with which actor.

use locum_engine::JWT_BEARER;
use locum_engine::model::{
    Audiences, Chains, ClientAuthentication, ConfidentialClients, IssuerKeySource, SecretDigest, TokenType,
    TrustedIssuer,
};
use locum_engine::prepared::{IssuerPlace, IssuerProblem, PreparedTenant};
use serde_json::{Value, json};

use locum_testing::{
    ACME, GLOBEX, NOW, TestEngine, TestSetup, TokenReply, bucket_rule, claims_for, exchange_with, good_with,
    hs256, jwk_set, object, token_type,
};

const WRONG_SECRET: &str = "401 invalid_client invalid client";
const CORP: &str = "https://login.corp.example/";

/// An engine without a rate limit.
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.delegation.rate = bucket_rule(1_000_000, 60);
        change(setup);
    })
}

/// An engine whose client `caller` authenticates by the secret `s3cret`.
fn with_secret(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    engine(|setup| {
        setup.client("caller").authentication =
            ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
        change(setup);
    })
}

/// A token for `caller` with these claims added.
fn token(changes: Value) -> String {
    let mut claims = claims_for("caller");
    claims.as_object_mut().unwrap().extend(object(changes));
    hs256(&claims)
}

/// An exchange of such a token for the app token of `api`.
fn exchange(test: &TestEngine, claims: Value, changes: Value) -> TokenReply {
    let mut parameters = exchange_with(json!({"subject_token": token(claims), "audience": "api"}));
    parameters.extend(object(changes));
    test.exchange(parameters)
}

fn actor(claims: Value) -> Value {
    json!({"actor_token": token(claims), "actor_token_type": token_type("id_token")})
}

fn last_claims(test: &TestEngine) -> Value {
    Value::Object(test.script.last_grant().claims)
}

#[test]
fn an_id_token_is_exchanged_for_a_token_of_the_target() {
    let test = engine(|_| {});
    let reply = test.exchange(exchange_with(json!({"audience": "api", "scope": "openid email"})));
    let token = reply.issued();
    assert_eq!(token.issued_token_type, Some(token_type("jwt")));
    assert_eq!((token.expires_in, token.scope.as_deref()), (Some(3600), None));
    let grant = test.script.last_grant();
    assert_eq!((grant.client_id.as_str(), grant.target_id.as_str()), ("caller", "api"));
    assert_eq!(grant.claims["scope"], "openid email");
    assert_eq!(reply.event.target.as_deref(), Some("api"));
    assert!(reply.response.rate.is_some());
}

#[test]
fn the_requested_type_of_token_chooses_the_add_on() {
    let test = engine(|_| {});
    let requested = |name: &str| {
        let reply =
            test.exchange(exchange_with(json!({"audience": "storage", "requested_token_type": name})));
        reply
            .response
            .outcome
            .map(|token| token.issued_token_type.unwrap())
            .map_err(|refusal| refusal.description().to_owned())
    };
    assert_eq!(requested("urn:locum:token-type:aws").unwrap(), "urn:locum:token-type:aws");
    assert_eq!(requested(&token_type("access_token")).unwrap(), token_type("access_token"));
    assert_eq!(requested("").unwrap(), "urn:locum:token-type:azure_blob");
    assert_eq!(
        requested("urn:locum:token-type:firebase").unwrap_err(),
        "api_type firebase is unknown or not enabled on the target"
    );
}

#[test]
fn a_target_is_named_by_its_id_by_a_resource_or_by_both() {
    let test = engine(|setup| {
        setup.client("api").resources = vec!["https://api.acme.example/".to_owned()];
        setup.client("storage").allowed_clients = vec!["nobody".to_owned()];
        setup.client("storage").resources = vec!["https://storage.acme.example/".to_owned()];
    });
    let target = |changes: Value| {
        let reply = test.exchange(exchange_with(changes));
        (reply.summary(), reply.event.target)
    };
    let issued = |target: &str| ("issued".to_owned(), Some(target.to_owned()));
    assert_eq!(target(json!({})), issued("caller"));
    assert_eq!(target(json!({"audience": "caller"})), issued("caller"));
    assert_eq!(target(json!({"audience": "api"})), issued("api"));
    assert_eq!(target(json!({"resource": "https://api.acme.example/"})), issued("api"));
    assert_eq!(target(json!({"audience": "api", "resource": "https://api.acme.example/"})), issued("api"));
    for changes in [
        json!({"audience": "nobody"}),
        json!({"audience": "storage"}),
        json!({"resource": "https://storage.acme.example/"}),
        json!({"resource": "https://api.acme.example"}),
        json!({"audience": "caller", "resource": "https://api.acme.example/"}),
        json!({"audience": "nobody", "resource": "https://api.acme.example/"}),
    ] {
        let refused = "400 invalid_target the target is unknown or does not allow the client";
        assert_eq!(target(changes.clone()).0, refused, "{changes}");
    }
}

#[test]
fn a_client_with_a_secret_must_present_it_and_one_without_must_not() {
    let test = with_secret(|_| {});
    let summary = |changes: Value| test.exchange(exchange_with(changes)).summary();
    assert_eq!(summary(json!({"client_secret": "s3cret"})), "issued");
    assert_eq!(summary(json!({"client_secret": "S3cret"})), WRONG_SECRET);
    assert_eq!(summary(json!({})), "401 invalid_client the client must authenticate by its client_secret");
    assert_eq!(summary(json!({"client_id": "nobody", "client_secret": "s3cret"})), WRONG_SECRET);
    let public = engine(|_| {}).exchange(exchange_with(json!({"client_secret": "s3cret"})));
    assert_eq!(
        public.summary(),
        "401 invalid_client this client does not authenticate; send neither a secret nor an assertion"
    );
}

#[test]
fn wrong_secrets_of_a_client_are_limited_at_each_address() {
    let test = with_secret(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1));
    let summary = |secret: &str| test.exchange(exchange_with(json!({"client_secret": secret}))).summary();
    assert_eq!(summary("wrong"), WRONG_SECRET);
    assert_eq!(summary("s3cret"), "issued");
    assert_eq!(summary("wrong"), WRONG_SECRET);
    let limited = "429 too_many_requests too many wrong secrets for this client from this address; wait before the next \
                   request";
    assert_eq!(summary("s3cret"), limited);
    // Another client, and tokens, have buckets of their own.
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
    test.clock.advance(60);
    assert_eq!(summary("s3cret"), "issued");
}

#[test]
fn delegation_serves_clients_with_a_secret_unless_the_tenant_refuses_them() {
    let open = with_secret(|_| {});
    assert_eq!(open.delegate(good_with(json!({}))).summary(), "issued");
    let refused =
        with_secret(|setup| setup.acme.tenant.delegation.confidential_clients = ConfidentialClients::Refused);
    assert_eq!(
        refused.delegate(good_with(json!({}))).summary(),
        "403 unauthorized_client the client must authenticate; use /oauth/token"
    );
    assert_eq!(refused.exchange(exchange_with(json!({"client_secret": "s3cret"}))).summary(), "issued");
    // A public client has nothing to authenticate by.
    let own = json!({"client_id": "api", "id_token": locum_testing::id_token("api")});
    assert_eq!(refused.delegate(good_with(own)).summary(), "issued");
}

#[test]
fn a_chain_is_exchanged_only_by_a_client_that_authenticated() {
    for (chains, with_proof, without) in
        [(Chains::Authenticated, true, false), (Chains::Open, true, true), (Chains::Refused, false, false)]
    {
        let test = with_secret(|setup| setup.acme.tenant.delegation.chains = chains);
        let secret = json!({"client_secret": "s3cret"});
        let reply = exchange(&test, json!({"azp": "api"}), secret.clone());
        assert_eq!(reply.summary() == "issued", with_proof, "{chains:?} {}", reply.summary());
        assert_eq!(exchange(&test, json!({"azp": "caller"}), secret).summary(), "issued");
        let id_token = token(json!({"azp": "api"}));
        let delegated = test.delegate(good_with(json!({"id_token": id_token, "target": "api"})));
        assert_eq!(delegated.summary() == "issued", without, "{chains:?} {}", delegated.summary());
        let public = engine(|setup| setup.acme.tenant.delegation.chains = chains);
        let reply = exchange(&public, json!({"azp": "api"}), json!({}));
        assert_eq!(reply.summary() == "issued", without, "{chains:?} {}", reply.summary());
    }
    let test = engine(|_| {});
    assert_eq!(
        exchange(&test, json!({"azp": "api"}), json!({})).summary(),
        "400 invalid_grant subject_token was issued at the request of another client (azp); sign the user in for this client"
    );
}

#[test]
fn nothing_of_the_stored_profile_is_added_to_a_chain_without_scope() {
    let test = with_secret(|_| {});
    let scope = json!({"client_secret": "s3cret", "scope": "openid email nickname favourite_food"});
    let reply = exchange(&test, json!({"azp": "api", "nickname": "al"}), scope.clone());
    assert_eq!(reply.issued().scope.as_deref(), Some("openid nickname"));
    assert_eq!(last_claims(&test), json!({"nickname": "al", "scope": "openid nickname"}));
    let reply = exchange(&test, json!({"azp": "caller", "nickname": "al"}), scope);
    assert_eq!(reply.issued().scope, None);
    assert_eq!(last_claims(&test)["favourite_food"], "plum");
}

#[test]
fn a_tokens_scope_bounds_what_it_is_exchanged_for_at_both_endpoints() {
    let test = engine(|_| {});
    for (scope, expected) in [
        ("openid", "issued"),
        ("email", "issued"),
        ("nickname email", "issued"),
        ("profile", "invalid_scope"),
        ("email profile", "invalid_scope"),
        ("Email", "invalid_scope"),
    ] {
        let claims = json!({"scope": "email  nickname unknown"});
        let reply = exchange(&test, claims.clone(), json!({"scope": scope}));
        assert!(reply.summary().contains(expected), "{scope}: {}", reply.summary());
        let delegated = test.delegate(good_with(json!({"id_token": token(claims), "scope": scope})));
        assert!(delegated.summary().contains(expected), "{scope}: {}", delegated.summary());
    }
    // What the token has is passed on, even if it selects nothing here.
    let reply = exchange(&test, json!({"scope": "unknown"}), json!({"scope": "unknown"}));
    assert_eq!((reply.issued().scope.as_deref(), last_claims(&test)), (None, json!({"scope": "unknown"})));
    for scope in [json!(7), json!({}), json!(["email", 7]), json!(null)] {
        assert_eq!(
            exchange(&test, json!({"scope": scope}), json!({})).summary(),
            "400 invalid_grant subject_token has a scope claim of the wrong type"
        );
    }
}

#[test]
fn a_scope_that_had_no_effect_is_not_granted() {
    let test = engine(|_| {});
    let reply =
        exchange(&test, json!({}), json!({"scope": "openid email admin offline_access app_metadata"}));
    assert_eq!(reply.issued().scope.as_deref(), Some("openid email"));
    assert_eq!(last_claims(&test)["scope"], "openid email");
    // What remains is said, and bounds the next exchange.
    let reply = exchange(&test, json!({}), json!({"scope": "admin \u{22}odd"}));
    assert_eq!(reply.issued().scope.as_deref(), Some("openid"));
    assert_eq!(last_claims(&test)["scope"], "openid");
}

#[test]
fn delegation_carries_the_scope_only_if_the_tenant_says_so() {
    let test = engine(|_| {});
    assert_eq!(test.delegate(good_with(json!({"scope": "email"}))).summary(), "issued");
    assert!(test.script.last_grant().claims.get("scope").is_none());
    let test = engine(|setup| setup.acme.tenant.delegation.carry_scope = true);
    assert_eq!(test.delegate(good_with(json!({"scope": "email unknown"}))).summary(), "issued");
    assert_eq!(test.script.last_grant().claims["scope"], "email");
    // No credential of an add-on has a place for it.
    let storage = json!({"scope": "email", "target": "storage", "api_type": "aws"});
    assert_eq!(test.delegate(good_with(storage)).summary(), "issued");
    assert!(test.script.last_grant().claims.get("scope").is_none());
}

#[test]
fn an_actor_is_named_in_what_is_issued_before_those_of_the_token() {
    let test = engine(|_| {});
    let act = |claims: Value, changes: Value| {
        let reply = exchange(&test, claims, changes);
        assert_eq!(reply.summary(), "issued");
        (last_claims(&test)["act"].clone(), reply.event.actor)
    };
    assert_eq!(act(json!({}), json!({})), (Value::Null, None));
    let robot = actor(json!({"sub": "robot"}));
    assert_eq!(act(json!({}), robot.clone()), (json!({"sub": "robot"}), Some("robot".to_owned())));
    let earlier = json!({"act": {"sub": "first", "iss": "https://else.example/", "client_id": "x"}});
    let kept = json!({"sub": "first", "iss": "https://else.example/"});
    assert_eq!(act(earlier.clone(), json!({})), (kept.clone(), None));
    assert_eq!(act(earlier, robot), (json!({"sub": "robot", "act": kept}), Some("robot".to_owned())));
}

#[test]
fn no_more_than_four_have_acted() {
    let test = engine(|_| {});
    let nested =
        |depth: usize| (1..depth).fold(json!({"sub": "a"}), |act, _| json!({"sub": "a", "act": act}));
    let too_many = "400 invalid_grant subject_token has an act claim of too many actors";
    for (depth, with_actor, without) in
        [(3, "issued", "issued"), (4, too_many, "issued"), (5, too_many, too_many)]
    {
        let claims = json!({"act": nested(depth)});
        assert_eq!(
            exchange(&test, claims.clone(), actor(json!({"sub": "b"}))).summary(),
            with_actor,
            "{depth}"
        );
        assert_eq!(exchange(&test, claims, json!({})).summary(), without, "{depth}");
    }
    assert!(
        exchange(&test, json!({"act": nested(100)}), json!({})).summary().starts_with("400 invalid_grant")
    );
    for act in [
        json!("robot"),
        json!({}),
        json!({"sub": 7}),
        json!({"sub": "a", "iss": 7}),
        json!({"sub": "a", "act": 7}),
    ] {
        assert_eq!(
            exchange(&test, json!({"act": act}), json!({})).summary(),
            "400 invalid_grant subject_token has an act claim that is not an object with a sub"
        );
    }
}

#[test]
fn only_the_actor_whom_the_token_names_may_act_at_either_endpoint() {
    let test = engine(|_| {});
    let robot = || actor(json!({"sub": "robot"}));
    let own = format!("https://{ACME}/");
    for (may_act, expected) in [
        (json!({"sub": "robot"}), "issued"),
        (json!({"sub": "robot", "iss": own}), "issued"),
        (json!({"sub": "another"}), "another actor"),
        (json!({"sub": "robot", "iss": "https://else.example/"}), "another actor"),
        (json!({"sub": "robot", "client_id": "x"}), "not understood"),
        (json!({"iss": own}), "not understood"),
        (json!({"sub": 7}), "not understood"),
        (json!("robot"), "not understood"),
        (json!([{"sub": "robot"}]), "not understood"),
    ] {
        let claims = json!({"may_act": may_act});
        let reply = exchange(&test, claims.clone(), robot());
        assert!(reply.summary().contains(expected), "{may_act}: {}", reply.summary());
        let alone = exchange(&test, claims.clone(), json!({})).summary();
        assert!(alone.starts_with("400 invalid_grant subject_token"), "{may_act}: {alone}");
        let delegated = test.delegate(good_with(json!({"id_token": token(claims)}))).summary();
        assert!(delegated.starts_with("400 invalid_grant id_token"), "{may_act}: {delegated}");
    }
}

#[test]
fn a_target_can_demand_an_actor() {
    let test = engine(|setup| setup.client("api").require_actor = true);
    assert_eq!(exchange(&test, json!({}), actor(json!({"sub": "robot"}))).summary(), "issued");
    assert_eq!(
        exchange(&test, json!({}), json!({})).summary(),
        "400 unauthorized_client the target demands the token of an actor; send it as actor_token"
    );
    // An actor of an earlier exchange is not one of this request.
    assert!(
        exchange(&test, json!({"act": {"sub": "robot"}}), json!({})).summary().contains("demands the token")
    );
    assert_eq!(
        test.delegate(good_with(json!({"target": "api"}))).summary(),
        "403 unauthorized_client the target demands the token of an actor; send it as actor_token to /oauth/token"
    );
}

#[test]
fn an_actors_token_is_verified_as_a_users_is() {
    let test = engine(|_| {});
    for (claims, expected) in [
        (json!({"exp": NOW}), "400 invalid_grant actor_token has expired"),
        (json!({"aud": "api"}), "400 invalid_grant actor_token was issued to another client"),
        (json!({"iss": CORP}), "400 invalid_grant the issuer of the actor_token is not trusted here"),
        (json!({"sub": "auth0|mallory"}), "400 invalid_grant the actor is blocked"),
    ] {
        assert_eq!(exchange(&test, json!({}), actor(claims)).summary(), expected);
    }
    let blocked = exchange(&test, json!({"sub": "auth0|mallory"}), json!({}));
    assert_eq!(blocked.summary(), "400 invalid_grant user is blocked");
}

#[test]
fn an_assertion_is_exchanged_like_a_subject_token() {
    let test = engine(|_| {});
    let assertion = |token: String| {
        let changes = json!({
            "grant_type": JWT_BEARER, "assertion": token, "subject_token": "", "subject_token_type": "",
        });
        test.exchange(exchange_with(changes)).summary()
    };
    assert_eq!(assertion(token(json!({}))), "issued");
    assert_eq!(assertion(token(json!({"exp": NOW}))), "400 invalid_grant assertion has expired");
}

#[test]
fn a_refresh_token_is_unknown_where_none_are_stored() {
    let test = engine(|_| {});
    let refresh = json!({"subject_token": "lrt_x", "subject_token_type": token_type("refresh_token")});
    assert_eq!(
        test.exchange(exchange_with(refresh)).summary(),
        "400 invalid_grant unknown or revoked subject_token"
    );
}

/// A provider with the key of [`GLOBEX`] whose access tokens are for the API `https://api.acme.example/`.
fn corp(change: impl FnOnce(&mut TrustedIssuer)) -> TrustedIssuer {
    let mut issuer =
        TrustedIssuer::new(CORP, IssuerKeySource::Set(jwk_set(GLOBEX)), "corp|{sub}".parse().unwrap());
    issuer.token_types = vec![TokenType::IdToken, TokenType::AccessToken];
    issuer.audiences = Audiences::Listed(vec!["https://api.acme.example/".to_owned()]);
    change(&mut issuer);
    issuer
}

fn with_corp(change: impl FnOnce(&mut TrustedIssuer)) -> TestEngine {
    engine(|setup| setup.acme.tenant.trusted_issuers = vec![corp(change)])
}

/// A token of the provider with this `typ`.
fn corp_token(typ: &str, changes: Value) -> String {
    let mut claims = claims_for("https://api.acme.example/");
    claims.as_object_mut().unwrap().extend(object(json!({"iss": CORP, "client_id": "its own", "jti": "1"})));
    claims.as_object_mut().unwrap().extend(object(changes));
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.typ = Some(typ.to_owned());
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(locum_testing::globex_key().as_bytes()).unwrap();
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

fn present(test: &TestEngine, name: &str, token: &str) -> String {
    let reply =
        test.exchange(exchange_with(json!({"subject_token": token, "subject_token_type": token_type(name)})));
    reply.summary()
}

#[test]
fn an_access_token_is_never_taken_for_an_id_token() {
    const WRONG: &str = "400 invalid_grant subject_token is of the wrong type";
    let test = with_corp(|_| {});
    for (typ, access_token, id_token, jwt) in [
        ("at+jwt", "issued", WRONG, "issued"),
        ("application/at+JWT", "issued", WRONG, "issued"),
        ("JWT", WRONG, "issued", "issued"),
        ("dpop+jwt", WRONG, WRONG, WRONG),
    ] {
        let token = corp_token(typ, json!({}));
        for (name, expected) in [("access_token", access_token), ("id_token", id_token), ("jwt", jwt)] {
            assert_eq!(present(&test, name, &token), expected, "{typ} as {name}");
        }
        let delegated = test.delegate(good_with(json!({"id_token": token})));
        assert_eq!(delegated.summary() == "issued", id_token == "issued", "{typ} at /delegation");
    }
    // Each type only if the issuer is trusted for it.
    for (types, typ) in [(TokenType::IdToken, "at+jwt"), (TokenType::AccessToken, "JWT")] {
        let test = with_corp(|corp| corp.token_types = vec![types]);
        assert_eq!(present(&test, "jwt", &corp_token(typ, json!({}))), WRONG, "{types:?}");
    }
}

#[test]
fn what_only_its_issuer_can_read_or_is_for_an_api_is_refused() {
    let test = engine(|_| {});
    for name in ["access_token", "id_token", "jwt"] {
        assert_eq!(present(&test, name, "opaque"), "400 invalid_grant subject_token is malformed");
    }
    // As Auth0 signs them for an API and for its Management API.
    for audience in [
        json!(["https://api.acme.example/", "https://acme.example.com/userinfo"]),
        json!("https://acme.example.com/api/v2/"),
    ] {
        let refused = "400 invalid_grant subject_token was issued to another client";
        assert_eq!(present(&test, "jwt", &token(json!({"aud": audience}))), refused);
    }
    assert_eq!(present(&test, "jwt", &token(json!({}))), "issued");
}

#[test]
fn an_access_token_has_the_claims_of_its_profile() {
    let test = with_corp(|_| {});
    for name in ["aud", "client_id", "exp", "iat", "sub", "jti"] {
        assert_eq!(
            present(&test, "access_token", &corp_token("at+jwt", json!({name: null}))),
            format!("400 invalid_grant subject_token has no {name} claim")
        );
    }
    assert_eq!(
        present(&test, "access_token", &corp_token("at+jwt", json!({"aud": "caller"}))),
        "400 invalid_grant subject_token was issued to another client"
    );
}

#[test]
fn an_access_token_of_another_client_of_the_tenant_is_a_chain() {
    let test = with_corp(|_| {});
    for (client_id, is_refused) in [("its own", false), ("caller", false), ("api", true)] {
        let summary = present(&test, "access_token", &corp_token("at+jwt", json!({"client_id": client_id})));
        assert_eq!(summary != "issued", is_refused, "{client_id}: {summary}");
    }
}

#[test]
fn the_scope_of_a_foreign_access_token_is_found_under_its_own_name() {
    let test = with_corp(|corp| {
        corp.claims.insert("scope".to_owned(), "scp".to_owned());
    });
    let present = |scp: Value, scope: &str| {
        let token = corp_token("at+jwt", json!({"scp": scp, "email": "a@corp.example"}));
        let subject = json!({
            "subject_token": token, "subject_token_type": token_type("access_token"), "scope": scope,
        });
        test.exchange(exchange_with(subject)).summary()
    };
    for scp in [json!("openid email"), json!(["openid", "email"])] {
        assert_eq!(present(scp.clone(), "email"), "issued");
        assert!(present(scp, "profile").starts_with("400 invalid_scope"));
    }
}

#[test]
fn an_actor_of_another_issuer_is_named_with_it() {
    let test = with_corp(|_| {});
    let robot = json!({
        "actor_token": corp_token("at+jwt", json!({"sub": "robot"})), "actor_token_type": token_type("access_token"),
    });
    let reply = exchange(&test, json!({"may_act": {"sub": "robot", "iss": CORP}}), robot.clone());
    assert_eq!(reply.summary(), "issued");
    assert_eq!(last_claims(&test)["act"], json!({"sub": "robot", "iss": CORP}));
    // Without `iss`, the actor is of the subject token's issuer.
    let reply = exchange(&test, json!({"may_act": {"sub": "robot"}}), robot);
    assert!(reply.summary().contains("another actor"), "{}", reply.summary());
}

#[test]
fn an_actor_in_a_token_of_another_issuer_is_that_issuers() {
    let test = with_corp(|_| {});
    let act = json!({"sub": "robot", "act": {"sub": "first", "iss": "https://else.example/"}});
    assert_eq!(present(&test, "access_token", &corp_token("at+jwt", json!({"act": act}))), "issued");
    let expected =
        json!({"sub": "robot", "iss": CORP, "act": {"sub": "first", "iss": "https://else.example/"}});
    assert_eq!(last_claims(&test)["act"], expected);
}

#[test]
fn an_issuer_of_access_tokens_needs_audiences_and_renames_nothing_about_tokens() {
    let problem = |change: fn(&mut TrustedIssuer)| {
        let mut tenant = locum_engine::model::Tenant::new(ACME);
        tenant.trusted_issuers = vec![corp(change)];
        PreparedTenant::invalid_issuers(&tenant).pop().map(|invalid| {
            assert_eq!(invalid.place, IssuerPlace::Trusted(0));
            invalid.problem
        })
    };
    assert_eq!(problem(|_| {}), None);
    assert_eq!(problem(|corp| corp.audiences = Audiences::CallingClient), Some(IssuerProblem::NoAudiences));
    for name in ["sub", "act", "may_act", "auth_time"] {
        let mut tenant = locum_engine::model::Tenant::new(ACME);
        tenant.trusted_issuers = vec![corp(|corp| {
            corp.claims.insert(name.to_owned(), "other".to_owned());
        })];
        let problem = PreparedTenant::invalid_issuers(&tenant).pop().map(|invalid| invalid.problem);
        assert_eq!(problem, Some(IssuerProblem::ClaimOfTheToken(name.to_owned())));
    }
}
