//! The selected claims: those of the scope, from the token and the stored profile.

use serde_json::{Value, json};

use locum_testing::{TestEngine, TestSetup, claims_for, good_with, hs256};

/// The claims that this scope selects for a token with optional claims.
fn selected_by(change: impl FnOnce(&mut TestSetup), scope: &str, target: &str) -> Value {
    let mut claims = claims_for("caller");
    claims["email"] = json!("new@acme.example.com");
    claims["persistent"] = json!({"theme": "dark"});
    claims["nonce"] = json!("n");
    claims["azp"] = json!("caller");
    claims["jti"] = json!("1");
    let test = TestEngine::with(change);
    let parameters = json!({"id_token": hs256(&claims), "scope": scope, "target": target, "api_type": "app"});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    Value::Object(test.script.last_grant().claims)
}

fn selected(scope: &str) -> Value {
    selected_by(|_| {}, scope, "caller")
}

#[test]
fn openid_alone_and_no_scope_at_all_select_nothing() {
    for scope in ["openid", "", " ", "openid offline_access"] {
        assert_eq!(selected(scope), json!({}), "{scope:?}");
    }
}

#[test]
fn profile_and_email_select_their_standard_claims() {
    assert_eq!(selected("openid profile"), json!({"name": "Alice of acme.example.com", "nickname": "al"}));
    assert_eq!(selected("email"), json!({"email": "new@acme.example.com", "email_verified": true}));
}

#[test]
fn profile_selects_exactly_the_claims_of_openid_connect() {
    let list = [
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ];
    let others =
        ["email", "email_verified", "phone_number", "address", "app_metadata", "identities", "blocked"];
    let test = TestEngine::with(|setup| {
        let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
        alice.profile = list.iter().chain(&others).map(|name| ((*name).to_owned(), json!(name))).collect();
    });
    assert_eq!(test.delegate(good_with(json!({"scope": "profile"}))).summary(), "issued");
    let selected: Vec<String> = test.script.last_grant().claims.keys().cloned().collect();
    assert_eq!(selected, list);
}

#[test]
fn a_scope_selects_the_attribute_of_its_name_and_an_unknown_scope_nothing() {
    assert_eq!(
        selected("openid favourite_food app_metadata unknown Favourite_Food favourite_*"),
        json!({"favourite_food": "plum", "app_metadata": {"plan": "gold"}})
    );
}

#[test]
fn passthrough_selects_claims_of_the_token_and_none_of_the_stored_profile() {
    assert_eq!(
        selected("passthrough"),
        json!({"email": "new@acme.example.com", "persistent": {"theme": "dark"}})
    );
}

#[test]
fn no_scope_selects_a_claim_about_the_token_itself() {
    assert_eq!(selected("iss sub aud exp nbf iat jti azp nonce at_hash c_hash"), json!({}));
    let aliased = |setup: &mut TestSetup| {
        let claims = ["iss", "sub", "azp", "nonce", "name"].map(str::to_owned).into();
        setup.client("caller").scope_aliases.insert("all".to_owned(), claims);
    };
    assert_eq!(selected_by(aliased, "all", "caller"), json!({"name": "Alice of acme.example.com"}));
}

#[test]
fn an_alias_of_the_target_selects_its_claims_and_one_of_another_client_nothing() {
    let aliased = |setup: &mut TestSetup| {
        let food = vec!["favourite_food".to_owned(), "nickname".to_owned()];
        setup.client("api").scope_aliases.insert("tastes".to_owned(), food);
    };
    assert_eq!(
        selected_by(aliased, "openid tastes", "api"),
        json!({"favourite_food": "plum", "nickname": "al"})
    );
    assert_eq!(selected_by(aliased, "openid tastes", "caller"), json!({}));
}

#[test]
fn an_alias_cannot_redefine_a_standard_scope() {
    let aliased = |setup: &mut TestSetup| {
        for scope in ["openid", "email", "offline_access"] {
            let food = vec!["favourite_food".to_owned()];
            setup.client("caller").scope_aliases.insert(scope.to_owned(), food);
        }
    };
    let email = json!({"email": "new@acme.example.com", "email_verified": true});
    assert_eq!(selected_by(aliased, "openid email offline_access", "caller"), email);
}

#[test]
fn a_user_who_is_not_stored_has_the_claims_of_the_token() {
    let stranger = |setup: &mut TestSetup| setup.acme.users.clear();
    assert_eq!(selected_by(stranger, "profile email", "caller"), json!({"email": "new@acme.example.com"}));
}

#[test]
fn the_user_id_is_always_the_subject() {
    let mut claims = claims_for("caller");
    claims["user_id"] = json!("auth0|root");
    let test = TestEngine::new();
    for scope in ["user_id", "passthrough"] {
        let parameters = json!({"id_token": hs256(&claims), "scope": scope});
        assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
        let grant = test.script.last_grant();
        assert_eq!(Value::Object(grant.claims), json!({"user_id": "auth0|alice"}), "{scope}");
        assert_eq!(grant.user_id, "auth0|alice");
    }
}

#[test]
fn the_scopes_of_the_grant_are_those_of_the_request_without_duplicates() {
    let test = TestEngine::new();
    assert_eq!(test.delegate(good_with(json!({"scope": "  openid b\ta  b "}))).summary(), "issued");
    assert_eq!(test.script.last_grant().scopes, ["openid", "b", "a"]);
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
    assert_eq!(test.script.last_grant().scopes, ["openid"]);
}
