//! Refresh tokens: issued by a token exchange, used at both endpoints, replaced, reused and revoked.

use locum_engine::model::{ClientAuthentication, LegacyGrants, RefreshTokenRules, SecretDigest};
use locum_engine::ports::{RefreshTokenHash, RefreshTokens};
use locum_engine::{AuditCode, Credential, REFRESH_TOKEN};
use locum_testing::{
    ACME, NOW, TestEngine, TestSetup, TokenReply, bucket_rule, claims_for, exchange_with, good_with, hs256,
    object, refresh_token, summary, token_type,
};
use serde_json::{Value, json};

const UNKNOWN: &str = "400 invalid_grant unknown or revoked refresh_token";
const EMAIL: &str = "openid email offline_access";

const ROTATING: RefreshTokenRules = RefreshTokenRules {
    rotates: true,
    leeway_seconds: 0,
    lifetime_seconds: Some(1000),
    idle_seconds: Some(300),
};
const STEADY: RefreshTokenRules = RefreshTokenRules { rotates: false, ..ROTATING };

fn engine_with(rules: RefreshTokenRules, change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.delegation.rate = bucket_rule(1_000_000, 60);
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1_000_000, 60);
        setup.client("caller").refresh_tokens = Some(rules);
        setup.client("api").refresh_tokens = Some(rules);
        change(setup);
    })
}

fn engine(rules: RefreshTokenRules) -> TestEngine {
    engine_with(rules, |_| {})
}

/// A request for a refresh token, with these parameters changed.
fn ask(test: &TestEngine, changes: Value) -> TokenReply {
    let mut parameters =
        exchange_with(json!({"requested_token_type": token_type(REFRESH_TOKEN), "scope": EMAIL}));
    parameters.extend(object(changes));
    test.exchange(parameters)
}

fn text(reply: &TokenReply) -> String {
    match &reply.response.outcome.as_ref().unwrap().issued.credential {
        Credential::Text { text, .. } => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn issued(test: &TestEngine) -> String {
    text(&ask(test, json!({})))
}

fn refresh(test: &TestEngine, token: &str, changes: Value) -> TokenReply {
    let mut parameters =
        object(json!({"client_id": "caller", "grant_type": REFRESH_TOKEN, "refresh_token": token}));
    parameters.extend(object(changes));
    test.exchange(parameters)
}

/// The successor of a token.
fn rotated(test: &TestEngine, token: &str) -> String {
    let reply = refresh(test, token, json!({}));
    reply.response.outcome.unwrap().refresh_token.unwrap().expose().to_owned()
}

/// An exchange of the token for the app token of `api`, and a delegation.
fn exchanged(test: &TestEngine, token: &str) -> [String; 2] {
    let parameters = json!({
        "subject_token": token, "subject_token_type": token_type(REFRESH_TOKEN), "audience": "api"
    });
    let delegation = json!({"id_token": "", "refresh_token": token, "target": "api"});
    [test.exchange(exchange_with(parameters)).summary(), test.delegate(good_with(delegation)).summary()]
}

#[test]
fn a_refresh_token_is_issued_for_an_id_token_and_gives_new_tokens() {
    let test = engine(STEADY);
    let reply = ask(&test, json!({"device": "Alice's \u{7}phone"}));
    let token = text(&reply);
    assert_eq!((token.len(), &token[..4]), (47, "lrt_"));
    let answer = reply.response.outcome.unwrap();
    assert_eq!((answer.issued_token_type, answer.expires_in), (Some(token_type(REFRESH_TOKEN)), Some(300)));
    assert_eq!((answer.scope, answer.refresh_token.is_none()), (None, true));
    assert_eq!(reply.event.code, AuditCode::Exchanged);

    let reply = refresh(&test, &token, json!({}));
    assert_eq!(reply.summary(), "issued");
    let answer = reply.response.outcome.as_ref().unwrap();
    assert!(answer.refresh_token.is_none() && answer.scope.is_none());
    assert_eq!(answer.issued_token_type, Some(token_type("jwt")));
    let grant = test.script.last_grant();
    assert_eq!((grant.user_id.as_str(), grant.target_id.as_str()), ("auth0|alice", "caller"));
    assert_eq!(grant.claims["scope"], EMAIL);
    assert_eq!((reply.event.code.as_str(), reply.event.scope.as_deref()), ("sertft", Some(EMAIL)));
    assert_eq!(exchanged(&test, &token), ["issued", "issued"]);
}

#[test]
fn the_scope_of_the_token_bounds_what_it_gives() {
    let test = engine(STEADY);
    let token = text(&ask(&test, json!({"scope": "openid email offline_access admin"})));
    let scope = |scope: &str| refresh(&test, &token, json!({"scope": scope})).summary();
    assert_eq!(scope("openid email"), "issued");
    let more = "400 invalid_scope more scopes are requested than refresh_token has";
    assert_eq!(scope("openid email nickname"), more);
    assert_eq!(scope("admin"), more, "it had no effect, so it was not granted");
    let narrow = json!({
        "subject_token": token, "subject_token_type": token_type(REFRESH_TOKEN), "scope": "openid nickname"
    });
    assert!(test.exchange(exchange_with(narrow)).summary().starts_with("400 invalid_scope"));
    let delegation = json!({"id_token": "", "refresh_token": token, "scope": "openid nickname"});
    assert!(test.delegate(good_with(delegation)).summary().starts_with("400 invalid_scope"));
}

#[test]
fn only_a_client_that_may_have_one_gets_one_for_itself_with_offline_access() {
    let test = engine_with(STEADY, |setup| {
        setup.client("plain").allowed_clients.clear();
        setup.client("third").is_first_party = false;
        setup.client("third").refresh_tokens = Some(STEADY);
    });
    let refused = |changes| ask(&test, changes).summary();
    assert_eq!(refused(json!({})), "issued");
    assert_eq!(refused(json!({"audience": "caller"})), "issued");
    for (changes, refusal) in [
        (
            json!({"audience": "api"}),
            "400 invalid_target a refresh token is only issued for the calling client itself",
        ),
        (json!({"scope": "openid"}), "400 invalid_target a refresh token needs the scope offline_access"),
    ] {
        assert_eq!(refused(changes), refusal);
    }
    let without = TestEngine::new();
    assert!(
        ask(&without, json!({}))
            .summary()
            .starts_with("400 unauthorized_client the client may not have refresh tokens")
    );
    assert_eq!(test.refresh_tokens.inner().len(), 2);
}

#[test]
fn a_token_is_only_of_its_client_and_tenant() {
    let test = engine(STEADY);
    let token = issued(&test);
    let other = json!({"client_id": "api"});
    assert_eq!(refresh(&test, &token, other).summary(), UNKNOWN);
    for unknown in ["lrt_x", "", &token.to_uppercase(), &token.replace("lrt_", "lrt-"), &token[..46]] {
        let reply = refresh(&test, unknown, json!({}));
        let expected =
            if unknown.is_empty() { "400 invalid_request missing refresh_token parameter" } else { UNKNOWN };
        assert_eq!(reply.summary(), expected);
    }
    let stored = test.refresh_tokens.inner();
    let hash = RefreshTokenHash::of(&token.as_str().into()).unwrap();
    let find = |tenant| locum_testing::finished(RefreshTokens::find(stored, tenant, &hash).wait());
    assert!(find(ACME).unwrap().is_some());
    assert!(find(locum_testing::GLOBEX).unwrap().is_none());
}

#[test]
fn a_token_ends_with_its_lifetime_and_without_use() {
    let test = engine(STEADY);
    let token = issued(&test);
    for _ in 0..4 {
        test.clock.advance(240);
        assert_eq!(refresh(&test, &token, json!({})).summary(), "issued");
    }
    test.clock.advance(39);
    assert_eq!(exchanged(&test, &token), ["issued", "issued"]);
    test.clock.advance(1);
    assert_eq!(refresh(&test, &token, json!({})).summary(), "400 invalid_grant refresh_token has expired");
    let idle = engine(STEADY);
    let token = issued(&idle);
    idle.clock.advance(300);
    assert_eq!(refresh(&idle, &token, json!({})).summary(), "400 invalid_grant refresh_token has expired");
    assert_eq!(exchanged(&idle, &token)[1], "400 invalid_grant refresh_token has expired");
}

#[test]
fn a_use_is_stored_only_if_it_keeps_the_token_for_longer() {
    let test = engine(STEADY);
    let token = issued(&test);
    test.calls.fail_all_of("refresh_tokens.keep_until");
    test.clock.advance(59);
    assert_eq!(refresh(&test, &token, json!({})).summary(), "issued");
    test.clock.advance(1);
    assert_eq!(refresh(&test, &token, json!({})).summary(), "503 temporarily_unavailable try again later");
    let endless = engine(RefreshTokenRules { idle_seconds: None, lifetime_seconds: None, ..STEADY });
    let reply = ask(&endless, json!({}));
    assert_eq!(reply.response.outcome.as_ref().unwrap().expires_in, None);
    endless.calls.fail_all_of("refresh_tokens.keep_until");
    endless.clock.advance(100_000_000);
    assert_eq!(refresh(&endless, &text(&reply), json!({})).summary(), "issued");
}

#[test]
fn a_rotating_token_is_replaced_and_its_reuse_ends_the_family() {
    let test = engine(ROTATING);
    let first = issued(&test);
    let second = rotated(&test, &first);
    assert_ne!(first, second);
    let third = rotated(&test, &second);
    assert_eq!(exchanged(&test, &third), ["issued", "issued"]);
    let other_family = issued(&test);

    let reply = refresh(&test, &first, json!({}));
    assert_eq!((reply.summary().as_str(), reply.event.code.as_str()), (UNKNOWN, "ferrt"));
    for token in [&first, &second, &third] {
        let reply = refresh(&test, token, json!({}));
        assert_eq!((reply.summary().as_str(), reply.event.code.as_str()), (UNKNOWN, "fertft"));
    }
    assert_eq!(exchanged(&test, &third)[1], UNKNOWN);
    assert_eq!(refresh(&test, &other_family, json!({})).summary(), "issued");
}

/// So a store need not keep it any longer.
#[test]
fn a_replaced_token_that_has_ended_without_use_ends_no_family() {
    let test = engine(ROTATING);
    let first = issued(&test);
    test.clock.advance(100);
    let second = rotated(&test, &first);
    test.clock.advance(200);
    assert_eq!(refresh(&test, &first, json!({})).summary(), "400 invalid_grant refresh_token has expired");
    let third = rotated(&test, &second);
    test.clock.advance(-1);
    assert_eq!(refresh(&test, &first, json!({})).event.code, AuditCode::RefreshTokenReused);
    assert_eq!(refresh(&test, &third, json!({})).summary(), UNKNOWN);
}

#[test]
fn a_replaced_token_that_is_shown_at_the_other_endpoints_is_reused_too() {
    // A server whose clock is behind reads a token that will be replaced in the future.
    for (at_delegation, clock) in [(false, 0), (true, 0), (false, -30), (true, -30)] {
        let test = engine(ROTATING);
        let first = issued(&test);
        let second = rotated(&test, &first);
        test.clock.advance(clock);
        let code = if at_delegation {
            let delegation = json!({"id_token": "", "refresh_token": first, "target": "api"});
            let reply = test.delegate(good_with(delegation));
            assert_eq!(reply.summary(), UNKNOWN);
            reply.event.code
        } else {
            let exchange = json!({"subject_token": first, "subject_token_type": token_type(REFRESH_TOKEN)});
            let reply = test.exchange(exchange_with(exchange));
            assert_eq!(reply.summary(), "400 invalid_grant unknown or revoked subject_token");
            reply.event.code
        };
        assert_eq!(code, AuditCode::RefreshTokenReused);
        assert_eq!(refresh(&test, &second, json!({})).summary(), UNKNOWN);
    }
}

#[test]
fn a_replaced_token_is_accepted_until_its_leeway_ends() {
    let test = engine(RefreshTokenRules { leeway_seconds: 10, ..ROTATING });
    let first = issued(&test);
    let second = rotated(&test, &first);
    test.clock.advance(9);
    assert_eq!(exchanged(&test, &first), ["issued", "issued"]);
    let again = rotated(&test, &first);
    assert_ne!(again, second);
    test.clock.advance(1);
    assert_eq!(refresh(&test, &first, json!({})).event.code, AuditCode::RefreshTokenReused);
    for token in [&second, &again] {
        assert_eq!(refresh(&test, token, json!({})).summary(), UNKNOWN);
    }
}

#[test]
fn a_successor_ends_with_its_family() {
    let test = engine(ROTATING);
    let mut token = issued(&test);
    for _ in 0..4 {
        test.clock.advance(240);
        token = rotated(&test, &token);
    }
    test.clock.advance(40);
    assert_eq!(refresh(&test, &token, json!({})).summary(), "400 invalid_grant refresh_token has expired");
}

#[test]
fn another_token_follows_from_one_that_does_not_rotate_and_ends_no_later() {
    let from = |test: &TestEngine, token: &str| {
        ask(test, json!({"subject_token": token, "subject_token_type": token_type(REFRESH_TOKEN)}))
    };
    let test = engine(STEADY);
    let first = issued(&test);
    test.clock.advance(100);
    let reply = from(&test, &first);
    assert_eq!(reply.response.outcome.as_ref().unwrap().expires_in, Some(300));
    let second = text(&reply);
    assert_eq!(test.revoke(json!({"client_id": "caller", "token": first})).0, Ok(()));
    assert_eq!(refresh(&test, &second, json!({})).summary(), UNKNOWN, "they are one family");

    let rotating = engine(ROTATING);
    let first = issued(&rotating);
    assert!(
        from(&rotating, &first).summary().starts_with("400 invalid_target another refresh token is made")
    );
    assert_eq!(rotating.refresh_tokens.inner().len(), 1);
}

#[test]
fn user_and_client_are_read_afresh_at_each_use() {
    let use_all = |change: &dyn Fn(&mut TestSetup)| {
        let test = engine_with(STEADY, change);
        let token = test.store_refresh_token(refresh_token("family"));
        let [exchange, delegation] = exchanged(&test, &token);
        [refresh(&test, &token, json!({})).summary(), exchange, delegation]
    };
    assert_eq!(use_all(&|_| {}), ["issued", "issued", "issued"]);
    let without = use_all(&|setup| setup.client("caller").refresh_tokens = None);
    for refusal in &without {
        assert!(refusal.contains("unauthorized_client the client may not have refresh tokens"), "{refusal}");
    }
    let third_party = use_all(&|setup| setup.client("caller").is_first_party = false);
    for refusal in &third_party {
        assert!(refusal.contains("third-party clients cannot delegate"), "{refusal}");
    }
    let no_legacy_grant = use_all(&|setup| {
        setup.client("caller").grants = LegacyGrants { id_token: true, refresh_token: false };
    });
    assert_eq!(no_legacy_grant[0], "issued", "this grant is not a legacy one");
    assert!(no_legacy_grant[1].contains("unauthorized_client"), "{no_legacy_grant:?}");
    let blocked = use_all(&|setup| {
        setup.acme.users.insert("auth0|alice".to_owned(), locum_testing::blocked_user());
    });
    assert_eq!(blocked[0], "400 invalid_grant user is blocked");
    assert_eq!(blocked[2], "401 unauthorized user is blocked");
}

#[test]
fn who_acts_for_the_user_is_kept() {
    let test = engine(STEADY);
    let mut claims = claims_for("caller");
    claims["sub"] = "agent".into();
    let actor = json!({"actor_token": hs256(&claims), "actor_token_type": token_type("id_token")});
    let token = text(&ask(&test, actor));
    assert_eq!(refresh(&test, &token, json!({})).summary(), "issued");
    assert_eq!(test.script.last_grant().claims["act"], json!({"sub": "agent"}));
    claims["sub"] = "second".into();
    let second = json!({
        "subject_token": token, "subject_token_type": token_type(REFRESH_TOKEN),
        "actor_token": hs256(&claims), "actor_token_type": token_type("id_token"),
    });
    assert_eq!(test.exchange(exchange_with(second)).summary(), "issued");
    assert_eq!(test.script.last_grant().claims["act"], json!({"sub": "second", "act": {"sub": "agent"}}));
}

#[test]
fn a_session_bounds_the_token_too() {
    let rules = RefreshTokenRules { lifetime_seconds: None, idle_seconds: None, ..STEADY };
    let test = engine_with(rules, |setup| setup.acme.tenant.delegation.session_seconds = Some(500));
    let reply = ask(&test, json!({}));
    let left = reply.response.outcome.as_ref().unwrap().expires_in.unwrap();
    assert!((1..=500).contains(&left), "{left}");
    test.clock.advance(left);
    assert_eq!(
        refresh(&test, &text(&reply), json!({})).summary(),
        "400 invalid_grant refresh_token has expired"
    );
}

#[test]
fn where_nothing_outlives_the_id_token_a_refresh_token_does_not_either() {
    let test = engine_with(STEADY, |setup| setup.acme.tenant.delegation.cap_to_subject_exp = true);
    let mut claims = claims_for("caller");
    claims["exp"] = (NOW + 100).into();
    let reply = ask(&test, json!({"subject_token": hs256(&claims)}));
    assert_eq!(reply.response.outcome.as_ref().unwrap().expires_in, Some(100));
    test.clock.advance(100);
    assert_eq!(
        refresh(&test, &text(&reply), json!({})).summary(),
        "400 invalid_grant refresh_token has expired"
    );
}

#[test]
fn a_refresh_token_is_revoked_by_its_client_with_its_whole_family() {
    let test = engine(ROTATING);
    let first = issued(&test);
    let second = rotated(&test, &first);
    let revoke =
        |client_id: &str, token: &str| test.revoke(json!({"client_id": client_id, "token": token})).0;
    assert_eq!(revoke("api", &second), Ok(()));
    assert_eq!(exchanged(&test, &second), ["issued", "issued"], "it is not the token of api");
    let unknown = second.to_lowercase();
    assert_eq!(revoke("caller", &unknown), Ok(()));
    assert_eq!(revoke("caller", &first), Ok(()), "a replaced one ends the family as well");
    assert_eq!(refresh(&test, &second, json!({})).summary(), UNKNOWN);
    assert_eq!(revoke("caller", &second), Ok(()));
    assert!(test.script.revocations().is_empty(), "no issuer is asked");
}

#[test]
fn revocations_of_refresh_tokens_are_rate_limited() {
    let test = engine_with(STEADY, |setup| setup.acme.tenant.delegation.rate = bucket_rule(2, 1));
    let token = format!("lrt_{}", "A".repeat(43));
    let revoke =
        || test.revoke(json!({"client_id": "caller", "token": token})).0.map_err(|refusal| refusal.status());
    assert_eq!([revoke(), revoke(), revoke()], [Ok(()), Ok(()), Err(429)]);
}

#[test]
fn a_store_that_is_away_is_said_and_nothing_is_lost() {
    let away = "503 temporarily_unavailable try again later";
    let test = engine(ROTATING);
    let token = issued(&test);
    for call in ["refresh_tokens.find", "refresh_tokens.rotate"] {
        test.calls.fail_all_of(call);
        let reply = refresh(&test, &token, json!({}));
        assert_eq!(reply.summary(), away, "{call}");
        let inside = reply.event.refusal.unwrap().inside.unwrap();
        assert!(inside.contains(locum_testing::UNAVAILABLE), "{inside}");
    }
    test.calls.fail_all_of("refresh_tokens.add");
    assert_eq!(ask(&test, json!({})).summary(), away);
    test.calls.fail_all_of("refresh_tokens.revoke_family");
    let refusal = test.revoke(json!({"client_id": "caller", "token": token})).0.unwrap_err();
    assert_eq!(summary(&refusal), away);
    // The token was not replaced by the request that failed.
    let second = rotated(&test, &token);
    assert_eq!(refresh(&test, &token, json!({})).summary(), away, "the family cannot be revoked now");
    test.calls.fail_all_of("none");
    assert_eq!(refresh(&test, &token, json!({})).event.code, AuditCode::RefreshTokenReused);
    assert_eq!(refresh(&test, &second, json!({})).summary(), UNKNOWN);
}

#[test]
fn the_grant_takes_no_other_target_and_no_other_kind_of_token() {
    let test = engine(STEADY);
    let token = issued(&test);
    for (name, value) in [
        ("audience", "api"),
        ("resource", "https://api.example/"),
        ("subject_token", "a.b.c"),
        ("actor_token", "a.b.c"),
        ("assertion", "a.b.c"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("id_token", "a.b.c"),
        ("target", "api"),
    ] {
        let refusal = refresh(&test, &token, json!({name: value})).summary();
        assert!(refusal.starts_with(&format!("400 invalid_request {name} has no effect")), "{refusal}");
    }
    let exchange = exchange_with(json!({"refresh_token": token}));
    assert!(
        test.exchange(exchange).summary().starts_with("400 invalid_request send subject_token instead of")
    );
}

#[test]
fn a_client_with_a_secret_presents_it_to_refresh() {
    let test = engine_with(STEADY, |setup| {
        setup.client("caller").authentication =
            ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
    });
    let token = text(&ask(&test, json!({"client_secret": "s3cret"})));
    let with = |secret: &str| refresh(&test, &token, json!({"client_secret": secret})).summary();
    assert_eq!(with("s3cret"), "issued");
    assert_eq!(with("S3cret"), "401 invalid_client invalid client");
    assert!(with("").starts_with("401 invalid_client the client must authenticate"));
    // Nobody authenticates at the other endpoint, so the token has no use there.
    let delegation = json!({"id_token": "", "refresh_token": token, "target": "api"});
    assert_eq!(
        test.delegate(good_with(delegation)).summary(),
        "403 unauthorized_client the client must authenticate to use its refresh tokens; use /oauth/token"
    );
}

#[test]
fn guesses_count_as_invalid_tokens() {
    let test =
        engine_with(STEADY, |setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1));
    let guess = format!("lrt_{}", "A".repeat(43));
    for _ in 0..2 {
        assert_eq!(refresh(&test, &guess, json!({})).summary(), UNKNOWN);
    }
    assert!(
        refresh(&test, &guess, json!({}))
            .summary()
            .starts_with("429 too_many_requests too many invalid tokens")
    );
}

#[test]
fn what_presents_no_refresh_token_neither_reads_nor_writes_the_store() {
    let test = engine(ROTATING);
    assert_eq!(test.exchange(exchange_with(json!({"audience": "api"}))).summary(), "issued");
    assert_eq!(test.delegate(good_with(json!({"target": "api"}))).summary(), "issued");
    assert_eq!(test.revoke(json!({"client_id": "storage", "token": "opaque"})).0, Ok(()));
    let used = test.calls.made().into_iter().filter(|call| call.starts_with("refresh_tokens")).count();
    assert_eq!(used, 0);
    issued(&test);
    assert_eq!(test.calls.made().into_iter().filter(|call| call.starts_with("refresh_tokens")).count(), 1);
}
