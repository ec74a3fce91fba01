//! How clients authenticate, as a tenant file says it.

use locum_engine::model::{ClientAuthentication, SecretDigest};
use locum_testing::{ACME, jwk_set};

use crate::tenant_file::{only_spa, read_text};

#[test]
fn a_client_with_a_secret_authenticates_unless_it_is_public() {
    let authentication = |lines: &str| {
        let text = format!("domain: acme.example.com\nclients:\n  - client_id: spa\n{lines}");
        read_text(&text).map(|file| only_spa(file).authentication)
    };
    let secret = "    client_secret: s3cr3t-s3cr3t\n";
    let by_secret = ClientAuthentication::Secret(SecretDigest::of(&"s3cr3t-s3cr3t".into()));
    assert_eq!(authentication(secret), Ok(by_secret.clone()));
    assert_eq!(authentication(""), Ok(ClientAuthentication::None));
    for (method, expected) in [
        ("none", ClientAuthentication::None),
        ("client_secret_basic", by_secret.clone()),
        ("client_secret_post", by_secret),
    ] {
        let method = format!("{secret}    token_endpoint_auth_method: {method}\n");
        assert_eq!(authentication(&method), Ok(expected), "{method}");
    }
    assert_eq!(
        authentication("    token_endpoint_auth_method: client_secret_post\n").unwrap_err(),
        "tenant.yaml:4:33: this method needs a client_secret; add one, or write `none` for a public client (at /clients/0/token_endpoint_auth_method)"
    );
    assert_eq!(
        authentication(&format!("{secret}    token_endpoint_auth_method: tls_client_auth\n")).unwrap_err(),
        "tenant.yaml:5:33: write `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt` (at /clients/0/token_endpoint_auth_method)"
    );
}

#[test]
fn a_client_with_keys_authenticates_by_them_unless_the_file_says_otherwise() {
    let read =
        |lines: &str| read_text(&format!("domain: acme.example.com\nclients:\n  - client_id: spa\n{lines}"));
    let authentication = |lines: &str| read(lines).map(|file| only_spa(file).authentication);
    let set = jwk_set(ACME);
    let as_text = format!("    jwks: '{set}'\n");
    let by_keys = Ok(ClientAuthentication::PrivateKey(set.clone()));
    assert_eq!(authentication(&as_text), by_keys);
    assert_eq!(
        authentication(&format!("{as_text}    token_endpoint_auth_method: private_key_jwt\n")),
        by_keys
    );
    // JSON is YAML, so this is a mapping.
    assert_eq!(authentication(&format!("    jwks: {set}\n")), by_keys);
    let secret = "    client_secret: s3cr3t-s3cr3t\n";
    let method = |name: &str| format!("{secret}{as_text}    token_endpoint_auth_method: {name}\n");
    assert_eq!(authentication(&method("private_key_jwt")), by_keys);
    assert_eq!(authentication(&method("none")), Ok(ClientAuthentication::None));
    let by_secret = ClientAuthentication::Secret(SecretDigest::of(&"s3cr3t-s3cr3t".into()));
    assert_eq!(authentication(&method("client_secret_post")), Ok(by_secret));
    for (lines, why) in [
        (
            format!("{secret}{as_text}"),
            "tenant.yaml:3:5: it has a client_secret and jwks; say by token_endpoint_auth_method which of them it \
             authenticates by (at /clients/0)",
        ),
        (
            "    token_endpoint_auth_method: private_key_jwt\n".to_owned(),
            "tenant.yaml:4:33: this method needs the client's public keys; add them as `jwks` (at \
             /clients/0/token_endpoint_auth_method)",
        ),
        (
            "    jwks: 'no keys'\n".to_owned(),
            "tenant.yaml:4:11: it is not a JWK Set, a JSON object with a list `keys` (at /clients/0/jwks)",
        ),
        (
            r#"    jwks: {"keys": [{"kty": "oct", "k": "AAAA"}]}"#.to_owned(),
            "tenant.yaml:4:11: it has no key that verifies tokens: key 0 is symmetric (at /clients/0/jwks)",
        ),
    ] {
        assert_eq!(authentication(&lines).unwrap_err(), why);
    }
    let with_another = set.replace(r#"{"keys":["#, r#"{"keys":[{"kty":"oct","k":"AA","kid":"s"},"#);
    let file = read(&format!("    jwks: '{with_another}'\n")).unwrap();
    let warnings: Vec<_> = file.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [r#"tenant.yaml:4:11: key 0 ("s") is symmetric, so it is ignored (at /clients/0/jwks)"#]
    );
}
