//! Tokens of issuers other than the tenant: those that it trusts, and those that it was before.

use jsonwebtoken::{Algorithm, EncodingKey};
use locum_engine::model::{
    Audiences, ClientKey, FormerIssuer, IssuerKeySource, KeyLocation, PublicKeyAlgorithm, RemoteKeys, Tenant,
    TrustedIssuer, UserIdRule,
};
use locum_engine::prepared::{InvalidTenant, IssuerPlace, IssuerProblem, PreparedTenant};
use locum_engine::{InvalidKeySet, KeySet};
use serde_json::{Value, json};

use locum_testing::{
    ACME, GLOBEX, Reply, TestEngine, TestSetup, UNAVAILABLE, bucket_rule, claims_for, good_with, hs256,
    jwk_set, rs256, signed_text,
};

/// A provider that signs with the key of [`GLOBEX`].
const CORP: &str = "https://login.corp.example/";
/// The tenant at Auth0, with the same key.
const FORMER: &str = "https://acme.eu.auth0.com/";

const NOT_TRUSTED: &str = "400 invalid_grant the issuer of the id_token is not trusted here";
const OTHERS_USER: &str = "400 invalid_grant id_token names a user that only another issuer can name";
const CHAIN: &str = "400 invalid_grant id_token was issued at the request of another client (azp); sign the user in for \
                     this client";

fn keys() -> IssuerKeySource {
    IssuerKeySource::Set(jwk_set(GLOBEX))
}

fn trusted(issuer: &str, user_id: &str) -> TrustedIssuer {
    TrustedIssuer::new(issuer, keys(), user_id.parse().unwrap())
}

/// An engine whose tenant trusts [`CORP`] under these rules.
fn with_rules(change: impl FnOnce(&mut TrustedIssuer)) -> TestEngine {
    let mut corp = trusted(CORP, "corp|{sub}");
    change(&mut corp);
    TestEngine::with(|setup| setup.acme.tenant.trusted_issuers = vec![corp])
}

fn corp_claims(changes: Value) -> Value {
    let mut claims = claims_for("caller");
    claims["iss"] = json!(CORP);
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

fn present(test: &TestEngine, token: &str) -> Reply {
    test.delegate(good_with(json!({"id_token": token, "scope": "profile email", "target": "api"})))
}

/// What a token of the provider with these claims is answered.
fn corp(test: &TestEngine, changes: Value) -> String {
    present(test, &rs256(GLOBEX, &corp_claims(changes))).summary()
}

#[test]
fn a_token_of_a_trusted_issuer_is_for_its_user_under_a_prefix() {
    let test = with_rules(|_| {});
    let reply = present(&test, &rs256(GLOBEX, &corp_claims(json!({"name": "A", "email": "a@corp.example"}))));
    assert_eq!(reply.summary(), "issued");
    assert_eq!(reply.event.user_id.as_deref(), Some("corp|auth0|alice"));
    let grant = test.script.last_grant();
    assert_eq!(grant.user_id, "corp|auth0|alice");
    // Nothing of the tenant's own user with that `sub`.
    assert_eq!(Value::Object(grant.claims), json!({"name": "A", "email": "a@corp.example"}));
    assert_eq!(present(&test, &hs256(&claims_for("caller"))).summary(), "issued");
}

#[test]
fn each_thing_that_is_not_as_the_issuer_signs_is_refused() {
    let test = with_rules(|_| {});
    let claims = corp_claims(json!({}));
    let (message, signature) = {
        let token = rs256(GLOBEX, &claims);
        let (message, signature) = token.rsplit_once('.').unwrap();
        (message.to_owned(), signature.to_owned())
    };
    let with_typ = |typ: &str| {
        let header = json!({"alg": "RS256", "typ": typ}).to_string();
        let key = EncodingKey::from_rsa_pem(locum_testing::globex_key().as_bytes()).unwrap();
        let message = signed_text(&header, &claims.to_string(), Algorithm::HS256);
        let message = message.rsplit_once('.').unwrap().0;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::RS256).unwrap();
        format!("{message}.{signature}")
    };
    assert_eq!(present(&test, &with_typ("JWT")).summary(), "issued");
    for (what, token, refusal) in [
        (
            "another signature",
            format!("{message}.{}", signature.replace(&signature[..4], "AAAA")),
            "id_token has a bad signature",
        ),
        ("the tenant's key", rs256(ACME, &claims), "id_token is signed with an unknown key"),
        ("the client's secret", hs256(&claims), "id_token has the wrong algorithm"),
        ("an access token", with_typ("at+jwt"), "id_token is of the wrong type"),
        ("its key, as the tenant", rs256(GLOBEX, &claims_for("caller")), "id_token has the wrong algorithm"),
    ] {
        assert_eq!(present(&test, &token).summary(), format!("400 invalid_grant {refusal}"), "{what}");
    }
    for (changes, refusal) in [
        (json!({"aud": "api"}), "id_token was issued to another client"),
        (json!({"aud": ["caller", "api"]}), "id_token was issued to another client"),
        (json!({"exp": 1}), "id_token has expired"),
        (
            json!({"sub": ""}),
            "id_token has a sub claim that is empty, longer than 255 bytes or has control characters",
        ),
    ] {
        assert_eq!(corp(&test, changes), format!("400 invalid_grant {refusal}"));
    }
    for issuer in
        ["https://login.corp.example", "https://LOGIN.corp.example/", "https://login.corp.example/x"]
    {
        let token = hs256(&corp_claims(json!({"iss": issuer})));
        assert_eq!(present(&test, &token).summary(), NOT_TRUSTED, "{issuer}");
    }
}

#[test]
fn only_the_algorithms_of_the_rule_are_accepted() {
    let wrong = "400 invalid_grant id_token has the wrong algorithm";
    for (algorithms, expected) in [
        (vec![PublicKeyAlgorithm::RS256], "issued"),
        (vec![PublicKeyAlgorithm::RS384, PublicKeyAlgorithm::PS256, PublicKeyAlgorithm::ES256], wrong),
        (vec![], wrong),
    ] {
        let test = with_rules(|corp| corp.algorithms = algorithms);
        assert_eq!(corp(&test, json!({})), expected);
    }
}

#[test]
fn rules_name_the_audiences_the_user_and_the_claims() {
    let test = with_rules(|corp| {
        corp.audiences = Audiences::Listed(vec!["api://locum".to_owned()]);
        corp.user_id = "corp|{oid}".parse().unwrap();
        corp.claims = [("email".to_owned(), "mail".to_owned())].into();
    });
    let claims = json!({"aud": "api://locum", "oid": "7", "mail": "a@corp.example", "email_verified": true});
    let reply = present(&test, &rs256(GLOBEX, &corp_claims(claims)));
    assert_eq!((reply.summary().as_str(), reply.event.user_id.as_deref()), ("issued", Some("corp|7")));
    let claims = Value::Object(test.script.last_grant().claims);
    assert_eq!(claims, json!({"email": "a@corp.example", "email_verified": true}));
    assert_eq!(corp(&test, json!({"oid": "7"})), "400 invalid_grant id_token was issued to another client");
    assert_eq!(
        corp(&test, json!({"aud": "api://locum"})),
        "400 invalid_grant id_token does not have the claim that names the user of its issuer, or not as a text"
    );
}

#[test]
fn no_issuer_names_the_user_of_another() {
    let partner = |shares_users: bool| {
        let mut partner = trusted("https://partner.example/", "{sub}");
        partner.user_id.shares_users = shares_users;
        partner
    };
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.trusted_issuers = vec![trusted(CORP, "corp|{sub}"), partner(true)];
    });
    let own = |sub: &str| {
        let mut claims = claims_for("caller");
        claims["sub"] = json!(sub);
        present(&test, &hs256(&claims)).summary()
    };
    let partners = |sub: &str| corp(&test, json!({"iss": "https://partner.example/", "sub": sub}));
    for (sub, expected) in
        [("corp|alice", OTHERS_USER), ("corp|", OTHERS_USER), ("corp", "issued"), ("auth0|alice", "issued")]
    {
        assert_eq!(own(sub), expected, "{sub}");
        assert_eq!(partners(sub), expected, "{sub}");
    }
    assert_eq!(corp(&test, json!({"sub": "corp|alice"})), "issued");
    assert_eq!(test.script.last_grant().user_id, "corp|corp|alice");
}

#[test]
fn the_tokens_of_a_former_issuer_count_as_the_tenants_own() {
    let test = |key: ClientKey, keys: Option<IssuerKeySource>| {
        TestEngine::with(|setup: &mut TestSetup| {
            if matches!(key, ClientKey::TenantKeys) {
                setup.client("caller").key = key;
            }
            setup.acme.tenant.former_issuers = vec![FormerIssuer::new(FORMER, keys)];
            setup.acme.tenant.trusted_issuers = vec![trusted(CORP, "corp|{sub}")];
        })
    };
    let claims = corp_claims(json!({"iss": FORMER}));
    let hs256_client = test(ClientKey::None, None);
    let reply = present(&hs256_client, &hs256(&claims));
    assert_eq!((reply.summary().as_str(), reply.event.user_id.as_deref()), ("issued", Some("auth0|alice")));
    // The stored profile of the tenant's user.
    assert_eq!(hs256_client.script.last_grant().claims["nickname"], "al");
    assert_eq!(
        present(&hs256_client, &rs256(GLOBEX, &claims)).summary(),
        "400 invalid_grant id_token has the wrong algorithm"
    );
    let taken = corp_claims(json!({"iss": FORMER, "sub": "corp|alice"}));
    assert_eq!(present(&hs256_client, &hs256(&taken)).summary(), OTHERS_USER);

    let rs256_client = test(ClientKey::TenantKeys, Some(keys()));
    assert_eq!(present(&rs256_client, &rs256(GLOBEX, &claims)).summary(), "issued");
    assert_eq!(present(&rs256_client, &rs256(ACME, &claims_for("caller"))).summary(), "issued");
    for (what, token, refusal) in [
        ("the secret", hs256(&claims), "has the wrong algorithm"),
        ("the tenant's key", rs256(ACME, &claims), "is signed with an unknown key"),
        ("its key, as the tenant", rs256(GLOBEX, &claims_for("caller")), "is signed with an unknown key"),
    ] {
        assert_eq!(
            present(&rs256_client, &token).summary(),
            format!("400 invalid_grant id_token {refusal}"),
            "{what}"
        );
    }
    let without_keys = test(ClientKey::TenantKeys, None);
    assert_eq!(
        present(&without_keys, &rs256(GLOBEX, &claims)).summary(),
        "400 invalid_grant id_token has the wrong algorithm"
    );
}

#[test]
fn a_chain_is_a_token_for_another_client_of_the_tenant() {
    let test = with_rules(|_| {});
    for (azp, expected) in [("caller", "issued"), ("a client of the provider", "issued"), ("api", CHAIN)] {
        assert_eq!(corp(&test, json!({"azp": azp})), expected, "{azp}");
    }
    let own = |azp: &str| {
        let mut claims = claims_for("caller");
        claims["azp"] = json!(azp);
        present(&test, &hs256(&claims)).summary()
    };
    // At the tenant itself it was a client.
    assert_eq!(own("a client that was deleted"), CHAIN);
}

#[test]
fn no_port_is_asked_for_a_key_that_the_tenant_file_states() {
    let test = with_rules(|_| {});
    assert_eq!(corp(&test, json!({})), "issued");
    assert_eq!(
        corp(&test, json!({"iss": "https://evil.example/"})),
        "400 invalid_grant id_token has the wrong algorithm"
    );
    let made = test.calls.made();
    assert_eq!(made.iter().filter(|call| **call == "client").count(), 3, "{made:?}");
}

fn published(issuer: &str) -> IssuerKeySource {
    IssuerKeySource::Remote(RemoteKeys::new(KeyLocation::discovery(issuer).unwrap()))
}

/// An engine whose tenant trusts [`CORP`] and was [`FORMER`], whose keys are published.
fn with_published_keys(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.former_issuers = vec![FormerIssuer::new(FORMER, Some(published(FORMER)))];
        let corp = TrustedIssuer::new(CORP, published(CORP), "corp|{sub}".parse().unwrap());
        setup.acme.tenant.trusted_issuers = vec![corp];
        setup.issuer_keys = [CORP, FORMER].map(|issuer| (issuer.to_owned(), jwk_set(GLOBEX))).into();
        change(setup);
    })
}

#[test]
fn published_keys_are_asked_for_only_if_they_can_verify_the_token() {
    let test = with_published_keys(|_| {});
    let kid = Some(format!("key of {GLOBEX}"));
    assert_eq!(corp(&test, json!({})), "issued");
    assert_eq!(test.issuer_keys.asked(), [(CORP.to_owned(), kid.clone())]);
    let own = present(&test, &hs256(&claims_for("caller"))).summary();
    let former = present(&test, &hs256(&corp_claims(json!({"iss": FORMER})))).summary();
    let unknown = present(&test, &hs256(&corp_claims(json!({"iss": "https://evil.example/"})))).summary();
    assert_eq!([own.as_str(), &former, &unknown], ["issued", "issued", NOT_TRUSTED]);
    assert_eq!(test.issuer_keys.asked().len(), 1);

    let test = with_published_keys(|setup| setup.client("caller").key = ClientKey::TenantKeys);
    let former = present(&test, &rs256(GLOBEX, &corp_claims(json!({"iss": FORMER})))).summary();
    let own = present(&test, &rs256(ACME, &claims_for("caller"))).summary();
    assert_eq!([former.as_str(), &own], ["issued", "issued"]);
    assert_eq!(test.issuer_keys.asked(), [(FORMER.to_owned(), kid)]);
}

#[test]
fn keys_that_cannot_be_had_are_not_the_clients_fault() {
    let test = with_published_keys(|setup| {
        setup.issuer_keys.remove(CORP);
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1, 1);
    });
    for _ in 0..3 {
        let reply = present(&test, &rs256(GLOBEX, &corp_claims(json!({}))));
        let expected = "503 temporarily_unavailable the keys of the token's issuer cannot be fetched now; try again later";
        assert_eq!(reply.summary(), expected);
        let inside = reply.event.refusal.unwrap().inside;
        assert!(inside.unwrap().contains(UNAVAILABLE));
    }
    // Three invalid tokens would have emptied the bucket.
    assert_eq!(present(&test, &hs256(&claims_for("caller"))).summary(), "issued");
}

#[test]
fn keys_are_not_fetched_from_the_tenant_itself() {
    let with_url = |url: &str| {
        let keys = RemoteKeys::new(KeyLocation::JwkSet(url.parse().unwrap()));
        let user_id = "corp|{sub}".parse().unwrap();
        problem(vec![], vec![TrustedIssuer::new(CORP, IssuerKeySource::Remote(keys), user_id)])
    };
    let own = Some((IssuerPlace::Trusted(0), IssuerProblem::OwnDomain));
    assert_eq!(with_url(&format!("https://{ACME}/.well-known/jwks.json")), own);
    assert_eq!(with_url("https://ACME.example.com:8443/keys"), own);
    assert_eq!(with_url("https://login.corp.example/keys"), None);
}

/// Why a tenant cannot trust these issuers.
fn problem(former: Vec<FormerIssuer>, trusted: Vec<TrustedIssuer>) -> Option<(IssuerPlace, IssuerProblem)> {
    let mut tenant = Tenant::new(ACME);
    tenant.former_issuers = former;
    tenant.trusted_issuers = trusted;
    match PreparedTenant::prepare(tenant) {
        Ok(_) => None,
        Err(InvalidTenant::Issuer(invalid)) => Some((invalid.place, invalid.problem)),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_issuer_is_there_once() {
    let own = format!("https://{ACME}/");
    let twice = |issuer: &str| IssuerProblem::Twice(issuer.to_owned());
    assert_eq!(
        problem(vec![FormerIssuer::new(own.as_str(), None)], vec![]),
        Some((IssuerPlace::Former(0), twice(&own)))
    );
    assert_eq!(
        problem(
            vec![FormerIssuer::new(FORMER, None)],
            vec![trusted(CORP, "a|{sub}"), trusted(FORMER, "b|{sub}")]
        ),
        Some((IssuerPlace::Trusted(1), twice(FORMER)))
    );
    assert_eq!(problem(vec![FormerIssuer::new(FORMER, None)], vec![trusted(CORP, "a|{sub}")]), None);
}

#[test]
fn prefixes_tell_the_users_of_issuers_apart() {
    let other = "https://other.example/";
    let rules =
        |first: &str, second: &str| problem(vec![], vec![trusted(CORP, first), trusted(other, second)]);
    let same = Some((IssuerPlace::Trusted(1), IssuerProblem::SamePrefix(CORP.to_owned())));
    assert_eq!(rules("a|{sub}", "b|{sub}"), None);
    assert_eq!(rules("a|{sub}", "a|{oid}"), same);
    assert_eq!(rules("a|{sub}", "a|b|{sub}"), same);
    assert_eq!(rules("a|b|{sub}", "a|{sub}"), same);
    assert_eq!(rules("{sub}", "a|{sub}"), Some((IssuerPlace::Trusted(0), IssuerProblem::NoPrefix)));
    let sharing = |user_id: &str| {
        let user_id = UserIdRule { shares_users: true, ..user_id.parse().unwrap() };
        TrustedIssuer::new(other, keys(), user_id)
    };
    for shared in ["{sub}", "a|{sub}"] {
        assert_eq!(problem(vec![], vec![trusted(CORP, "a|{sub}"), sharing(shared)]), None, "{shared}");
        assert_eq!(problem(vec![], vec![sharing(shared), trusted(CORP, "a|{sub}")]), None, "{shared}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_found_when_the_tenant_is_prepared() {
    let with_keys = |json: &str| {
        let user_id = "corp|{sub}".parse().unwrap();
        let issuer = TrustedIssuer::new(CORP, IssuerKeySource::Set(json.to_owned()), user_id);
        problem(vec![], vec![issuer])
    };
    let invalid = with_keys("<html>");
    assert_eq!(invalid, Some((IssuerPlace::Trusted(0), IssuerProblem::Keys(InvalidKeySet::NotASet))));
    assert_eq!(with_keys(&jwk_set(GLOBEX)), None);
    assert!(KeySet::from_json(&jwk_set(GLOBEX)).unwrap().ignored().is_empty());
}
