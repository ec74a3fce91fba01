//! Former and trusted issuers in a tenant file.

use std::time::Duration;

use locum_engine::model::{
    Audiences, ClientKey, IssuerKeySource, KeyLocation, PublicKeyAlgorithm, TokenType,
};
use locum_store::tenant_file::{References, TenantFile, read};
use locum_testing::{ACME, GLOBEX, jwk_set};

/// A tenant file with these lines. `${env:KEYS}` and `${env:MORE_KEYS}` are JWK Sets.
fn read_lines(lines: &str) -> Result<TenantFile, Vec<String>> {
    let environment = |name: &str| match name {
        "KEYS" => Some(jwk_set(GLOBEX)),
        "MORE_KEYS" => {
            Some(jwk_set(ACME).replace(r#"{"keys":["#, r#"{"keys":[{"kty":"oct","k":"AA","kid":"s"},"#))
        }
        "PAGE" => Some("<html>".to_owned()),
        _ => None,
    };
    let text = format!("domain: acme.example.com\n{lines}");
    let file = read(&text, "tenant.yaml", &References::new(&environment, "/nowhere"));
    file.map_err(|error| error.errors.iter().map(ToString::to_string).collect())
}

fn refused(lines: &str) -> Vec<String> {
    read_lines(lines).unwrap_err()
}

#[test]
fn a_trusted_issuer_needs_its_name_its_keys_and_how_it_names_users() {
    let file = read_lines(
        "trusted_issuers:\n  - issuer: https://login.corp.example/\n    keys: ${env:KEYS}\n    user_id: \"corp|{sub}\"\n",
    );
    let tenant = file.unwrap().data.tenant;
    let [issuer] = &tenant.trusted_issuers[..] else { panic!("{tenant:?}") };
    assert_eq!(issuer.issuer, "https://login.corp.example/");
    assert_eq!(issuer.keys, IssuerKeySource::Set(jwk_set(GLOBEX)));
    assert_eq!(issuer.audiences, Audiences::CallingClient);
    assert_eq!(issuer.algorithms, PublicKeyAlgorithm::DEFAULT);
    assert_eq!((issuer.user_id.to_string().as_str(), issuer.user_id.shares_users), ("corp|{sub}", false));
    assert!(issuer.claims.is_empty());
    assert_eq!(issuer.token_types, [TokenType::IdToken]);
    assert_eq!(
        refused("trusted_issuers:\n  - {}\n"),
        [
            "tenant.yaml:3:5: write the issuer as its tokens do in `iss` (at /trusted_issuers/0/issuer)",
            "tenant.yaml:3:5: the field `user_id` is missing; write how a token names the user, such as \"corp|{sub}\" (at /trusted_issuers/0/user_id)",
            "tenant.yaml:3:5: it has no keys; write `jwks: discovery`, or the URL of its JWK Set as `jwks_uri`, or the set itself as `keys` (at /trusted_issuers/0)",
        ]
    );
}

#[test]
fn each_field_of_a_trusted_issuer_is_read() {
    let file = read_lines(
        "trusted_issuers:\n  - issuer: https://login.corp.example/\n    keys: ${env:MORE_KEYS}\n    user_id: \"{oid}\"\n    \
         shares_users: true\n    audiences: [\"api://locum\"]\n    algorithms: [RS256, ES384]\n    claims: { email: mail }\n    \
         token_types: [access_token]\n",
    )
    .unwrap();
    let issuer = &file.data.tenant.trusted_issuers[0];
    assert_eq!(issuer.audiences, Audiences::Listed(vec!["api://locum".to_owned()]));
    assert_eq!(issuer.algorithms, [PublicKeyAlgorithm::RS256, PublicKeyAlgorithm::ES384]);
    assert!(issuer.user_id.shares_users);
    assert_eq!(issuer.claims["email"], "mail");
    assert_eq!(issuer.token_types, [TokenType::AccessToken]);
    let warnings: Vec<_> = file.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [r#"tenant.yaml:4:11: key 0 ("s") is symmetric, so it is ignored (at /trusted_issuers/0/keys)"#]
    );
}

#[test]
fn each_field_with_an_error_is_named() {
    let with = |field: &str| {
        let good =
            "  - issuer: https://login.corp.example/\n    keys: ${env:KEYS}\n    user_id: \"corp|{sub}\"\n";
        let name = field.split(':').next().unwrap();
        let kept: String = good
            .lines()
            .filter(|line| !line.contains(&format!("{name}:")))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut errors = refused(&format!("trusted_issuers:\n{kept}    {field}\n"));
        assert_eq!(errors.len(), 1, "{errors:?}");
        let error = errors.remove(0);
        let (place, message) = error.split_once(": ").unwrap();
        assert!(place.starts_with("tenant.yaml:"), "{place}");
        message.to_owned()
    };
    for (field, message) in [
        (
            "keys: ${env:PAGE}",
            "its keys cannot be used: it is not a JWK Set, a JSON object with a list `keys` (at /trusted_issuers/0/keys)",
        ),
        (
            "user_id: sub",
            "write a prefix and the name of a claim in braces, such as `corp|{sub}` (at /trusted_issuers/0/user_id)",
        ),
        (
            "user_id: \"{sub}\"",
            "its `user_id` has no prefix, so its users could be taken for the tenant's; write one, such as `corp|{sub}`, or set `shares_users` if they are the same (at /trusted_issuers/0/user_id)",
        ),
        (
            "audiences: everybody",
            "write `client_id`, for the client that presents the token, or a list of audiences (at /trusted_issuers/0/audiences)",
        ),
        (
            "audiences: []",
            "write `client_id`, for the client that presents the token, or a list of audiences (at /trusted_issuers/0/audiences)",
        ),
        (
            "token_types: [access_token]",
            "its access tokens are for APIs, not for clients: list the `audiences` that they may have (at /trusted_issuers/0/audiences)",
        ),
        (
            "token_types: []",
            "name at least one type of token, or leave the field out (at /trusted_issuers/0/token_types)",
        ),
        (
            "claims: { sub: oid }",
            "`claims` renames `sub`, which is about the token and not about the user; remove it (at /trusted_issuers/0/claims)",
        ),
        (
            "algorithms: []",
            "name at least one algorithm, or leave the field out (at /trusted_issuers/0/algorithms)",
        ),
        (
            "algorithms: [RS256, HS256]",
            "write one of RS256, RS384, RS512, PS256, ES256, ES384, EdDSA (at /trusted_issuers/0/algorithms/1)",
        ),
    ] {
        assert_eq!(with(field), message, "{field}");
    }
    let unknown = with("jwks_url: https://login.corp.example/keys");
    assert!(unknown.starts_with("unknown field `jwks_url`"), "{unknown}");
}

#[test]
fn problems_of_several_issuers_are_found_in_one_run() {
    let errors = refused(
        "former_issuers:\n  - issuer: \"\"\n  - issuer: https://acme.eu.auth0.com/\n  - issuer: https://acme.example.com/\n\
         trusted_issuers:\n  - issuer: https://acme.eu.auth0.com/\n    keys: ${env:KEYS}\n    user_id: \"a|{sub}\"\n  \
         - issuer: https://b.example/\n    keys: ${env:KEYS}\n    user_id: \"b|{sub}\"\n  \
         - issuer: https://c.example/\n    keys: ${env:KEYS}\n    user_id: \"b|c|{sub}\"\n",
    );
    assert_eq!(
        errors,
        [
            "tenant.yaml:3:13: write the issuer as its tokens do in `iss` (at /former_issuers/0/issuer)",
            "tenant.yaml:5:13: the issuer `https://acme.example.com/` is there twice; a token could be meant for either (at /former_issuers/2/issuer)",
            "tenant.yaml:7:13: the issuer `https://acme.eu.auth0.com/` is there twice; a token could be meant for either (at /trusted_issuers/0/issuer)",
            "tenant.yaml:15:14: its users could be taken for those of `https://b.example/`: one prefix of `user_id` begins with the other; change one, or set `shares_users` if they are the same (at /trusted_issuers/2/user_id)",
        ]
    );
}

#[test]
fn the_keys_of_a_former_issuer_verify_the_tokens_of_rs256_clients() {
    let lines = |keys: &str| {
        format!(
            "former_issuers:\n  - issuer: https://acme.eu.auth0.com/\n{keys}clients:\n  - client_id: spa\n    \
             jwt_configuration: {{ alg: RS256 }}\n"
        )
    };
    let file = read_lines(&lines("    keys: ${env:KEYS}\n")).unwrap();
    assert_eq!(file.data.clients[0].key, ClientKey::TenantKeys);
    assert_eq!(file.data.tenant.former_issuers[0].keys, Some(IssuerKeySource::Set(jwk_set(GLOBEX))));
    assert_eq!(
        refused(&lines("")),
        [
            "tenant.yaml:6:31: this algorithm needs a signing key of the tenant; add one to signing_keys (at /clients/0/jwt_configuration/alg)"
        ]
    );
}

#[test]
fn keys_are_fetched_by_discovery_or_from_a_url() {
    let keys = |lines: &str| {
        let file = read_lines(&format!(
            "trusted_issuers:\n  - issuer: https://login.corp.example/a/\n    user_id: \"corp|{{sub}}\"\n{lines}"
        ));
        file.map(|file| match &file.data.tenant.trusted_issuers[0].keys {
            IssuerKeySource::Remote(keys) => keys.clone(),
            other => panic!("{other:?}"),
        })
    };
    let discovered = keys("    jwks: discovery\n").unwrap();
    let url = "https://login.corp.example/a/.well-known/openid-configuration";
    assert_eq!(discovered.location, KeyLocation::Discovery(url.parse().unwrap()));
    assert_eq!(
        (discovered.authorities_pem, discovered.stale_if_error),
        (None, Duration::from_secs(24 * 3600))
    );
    let named =
        keys("    jwks_uri: https://keys.corp.example/\n    ca: ${env:PAGE}\n    stale_if_error_hours: 2\n")
            .unwrap();
    assert_eq!(named.location, KeyLocation::JwkSet("https://keys.corp.example/".parse().unwrap()));
    assert_eq!(named.authorities_pem.as_deref(), Some("<html>"));
    assert_eq!(named.stale_if_error, Duration::from_secs(2 * 3600));
    for (lines, message) in [
        ("    jwks: other\n", "write one of discovery (at /trusted_issuers/0/jwks)"),
        (
            "    jwks_uri: http://login.corp.example/\n",
            "write a URL with https, or with http and an address of this machine such as 127.0.0.1, without user, password and fragment (at /trusted_issuers/0/jwks_uri)",
        ),
        (
            "    jwks: discovery\n    jwks_uri: https://keys.corp.example/\n",
            "write one of `keys`, `jwks` and `jwks_uri` (at /trusted_issuers/0)",
        ),
        (
            "    keys: ${env:KEYS}\n    stale_if_error_hours: 1\n",
            "`ca` and `stale_if_error_hours` are for keys that are fetched; remove them (at /trusted_issuers/0)",
        ),
        (
            "    jwks_uri: https://acme.example.com/.well-known/jwks.json\n",
            "its keys are at the tenant's own domain, which is this server: it would ask itself (at /trusted_issuers/0)",
        ),
    ] {
        let errors = keys(lines).unwrap_err();
        assert!(errors[0].ends_with(message), "{errors:?}");
    }
    let issuer_without_url = refused("former_issuers:\n  - issuer: acme\n    jwks: discovery\n");
    assert!(issuer_without_url[0].contains("for `jwks: discovery`, write a URL"), "{issuer_without_url:?}");
}
