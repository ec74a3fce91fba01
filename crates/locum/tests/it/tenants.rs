//! Invalid config and tenant files: errors name the file, the line and the remedy; the exit code is 3.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use pem::Pem;

use crate::installation::Installation;
use crate::serving::Server;

fn refused_with(name: &str, text: &str) -> String {
    let installation = Installation::new();
    installation.write(name, text);
    let serve = installation.locum(["serve"]);
    assert_eq!(serve.code, 3, "{}", serve.stderr);
    assert_eq!(installation.locum(["check"]).code, 3);
    serve.stderr
}

#[test]
fn an_unknown_key_of_the_config_is_named() {
    let refused = refused_with("locum.toml", "plugin_dir = \"plugins\"\ntenants = []\n");
    assert!(refused.contains("locum.toml:1:1: unknown field `plugin_dir`"), "{refused}");
    assert!(refused.contains("plugins_dir"), "{refused}");
}

#[test]
fn a_wrong_type_in_the_config_is_named_with_its_line_in_plain_words() {
    let refused =
        refused_with("locum.toml", "plugins_dir = \"plugins\"\ntenants = []\n[limits]\nbody_bytes = -1\n");
    assert!(refused.contains("locum.toml:4:14: "), "{refused}");
    assert!(refused.trim_end().ends_with("expected a whole number of at least 0"), "{refused}");
}

#[test]
fn an_unknown_key_of_a_tenant_is_named_with_its_line_and_a_suggestion() {
    let refused = refused_with("tenant.yaml", "domain: acme.example.com\nclient: []\n");
    assert!(
        refused.contains("tenant.yaml:2:1: unknown field `client`; did you mean `clients`?"),
        "{refused}"
    );
}

#[test]
fn a_missing_tenant_file_is_named() {
    let refused = refused_with("locum.toml", "plugins_dir = \"plugins\"\ntenants = [\"missing.yaml\"]\n");
    assert!(refused.contains("missing.yaml"), "{refused}");
}

#[test]
fn unusable_settings_are_named_by_client_and_field() {
    let installation = Installation::new();
    installation.write(
        "tenant.yaml",
        "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: s3cr3t-s3cr3t\n    jwt_configuration: {lifetime_in_seconds: 0}\n",
    );
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 1);
    let named = "tenant.yaml:5:46: client spa: ";
    assert!(checked.stdout.contains(named), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("(at /clients/0/jwt_configuration/lifetime_in_seconds)"),
        "{}",
        checked.stdout
    );
    assert!(!checked.stdout.contains("s3cr3t"), "{}", checked.stdout);
    // The server serves everything else.
    let mut server = Server::start(&installation);
    server.wait_for(named);
}

#[test]
fn an_add_on_without_a_plugin_is_named() {
    let installation = Installation::new();
    installation.write(
        "tenant.yaml",
        "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: s3cr3t-s3cr3t\n    addons: {wams: {masterkey: m}}\n",
    );
    let checked = installation.locum(["check", "--format", "json"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("tenant.yaml:5:20: client spa: no plugin that is loaded serves"),
        "{}",
        checked.stdout
    );
}

/// `tests/ten-mistakes.yaml`, installed with an EC key as the tenant's signing key.
fn ten_mistakes() -> Installation {
    let installation = Installation::new();
    installation.install("aws");
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    installation.write("ec-key.pem", &pem::encode(&Pem::new("PRIVATE KEY", key.as_ref())));
    installation.write("tenant.yaml", include_str!("../ten-mistakes.yaml"));
    installation
}

#[test]
fn ten_mistakes_of_a_tenant_are_ten_lines() {
    let installation = ten_mistakes();
    let checked = installation.locum(["check"]);
    let folder = installation.path("").display().to_string();
    let shown = checked.stdout.replace(&folder, "");
    insta::assert_snapshot!(shown);
    assert_eq!(checked.code, 3);
    assert_eq!(checked.stdout.lines().filter(|line| line.starts_with("problem: ")).count(), 10);
}

#[test]
fn a_tenant_without_the_ten_mistakes_has_no_problem() {
    let installation = ten_mistakes();
    let rsa = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
    let certificate = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");
    installation.write("ec-key.pem", rsa);
    installation.write("certificate.pem", certificate);
    let mut corrected = include_str!("../ten-mistakes.yaml").to_owned();
    for (mistake, correction) in [
        ("ceiling_seconds: 600", "ceiling_seconds: 900"),
        ("${file:ec-key.pem}", "${file:ec-key.pem}\n    certificate: ${file:certificate.pem}"),
        ("${env:LOCUM_TEST_UNSET_SECRET}", "a-secret-of-more-than-32-bytes-of-text"),
        ("alowed_clients", "allowed_clients"),
        ("https://*.shop.example.com", "https://www.shop.example.com"),
        ("https://shop.example.com/login", "https://shop.example.com"),
        ("      firebase: {}\n", ""),
        ("an hour", "3600"),
        ("shopp", "shop"),
        ("client_id: mobile", "client_id: mobile\n    jwt_configuration: { alg: RS256 }"),
    ] {
        assert_eq!(corrected.matches(mistake).count(), 1, "{mistake}");
        corrected = corrected.replace(mistake, correction);
    }
    installation.write("tenant.yaml", &corrected);
    let checked = installation.locum(["check"]);
    let (summary, reach) = checked.stdout.split_once('\n').unwrap();
    assert_eq!(summary, "plugins: 2, tenants: 1, problems: 0", "{}", checked.stderr);
    assert!(reach.lines().all(|line| line.starts_with("reach: ")), "{reach}");
    assert_eq!(checked.code, 0);
}

#[test]
fn an_add_on_that_every_request_must_complete_is_named_with_the_parameter() {
    let installation = Installation::new();
    installation.install("aws");
    let tenant = |settings: &str| {
        format!(
            "domain: acme.example.com\nsigning_keys: [{{kid: k, private_key: '${{file:k.pem}}', certificate: '${{file:c.pem}}'}}]\nclients:\n  - client_id: spa\n    client_secret: a-secret-of-more-than-32-bytes-of-text\n    addons: {{aws: {{{settings}}}}}\n"
        )
    };
    installation.write("k.pem", include_str!("../../../../fixtures/keys/tenant-rsa.pem"));
    installation.write("c.pem", include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem"));
    let role = "arn:aws:iam::123456789012:role/x";
    let principal =
        format!("principal: 'arn:aws:iam::123456789012:saml-provider/acme', allowed_roles: ['{role}']");
    installation.write("tenant.yaml", &tenant(&principal));
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert!(
        checked.stdout.contains("tenant.yaml:6:19: client spa: aws has no stored value for the parameter `role`, so every request must send it;"),
        "{}",
        checked.stdout
    );
    installation.write("tenant.yaml", &tenant(&format!("{principal}, role: '{role}'")));
    assert!(!installation.locum(["check"]).stdout.contains("warning: "));
}

#[test]
fn all_missing_variables_are_named_in_one_run() {
    let refused = refused_with(
        "tenant.yaml",
        "domain: acme.example.com\nclients:\n  - client_id: a\n    client_secret: ${env:LOCUM_TEST_UNSET_A}\n  - client_id: b\n    client_secret: ${env:LOCUM_TEST_UNSET_B}\n",
    );
    for (line, name) in [(4, "LOCUM_TEST_UNSET_A"), (6, "LOCUM_TEST_UNSET_B")] {
        let named = format!("tenant.yaml:{line}:20: the environment variable {name} is not set");
        assert!(refused.lines().any(|line| line.contains(&named)), "{refused}");
    }
    assert_eq!(refused.matches("locum: ").count(), 2, "{refused}");
}

#[test]
fn tenants_that_conflict_are_all_named() {
    let installation = Installation::new();
    let config = "listen = \"127.0.0.1:0\"\nplugins_dir = \"plugins\"\ntenants = [\"tenant.yaml\", \"a.yaml\", \"b.yaml\"]\n";
    installation.write("locum.toml", config);
    installation.write("a.yaml", "domain: acme.example.com\n");
    installation.write("b.yaml", "domain: globex.example.com\ndefault: true\n");
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 3);
    let problems: Vec<&str> = checked.stdout.lines().filter(|line| line.starts_with("problem: ")).collect();
    assert_eq!(
        problems,
        [
            "problem: locum.toml: two tenants have the domain acme.example.com; give each tenant a domain of its own (at /tenants)",
            "problem: locum.toml: acme.example.com and globex.example.com are both marked `default`; only one tenant can answer on every host (at /tenants)",
        ]
    );
}
