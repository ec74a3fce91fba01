//! What a pin lets a plugin have signed, and whether it is given the tenant's key.

use std::fs;
use std::path::Path;

use crate::installation::Installation;

const KEY: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");

/// An installation whose tenant has a signing key, and one add-on with these settings in YAML.
fn installation(add_on: &str) -> Installation {
    let installation = Installation::new();
    installation.write("k.pem", KEY);
    installation.write("c.pem", CERTIFICATE);
    let tenant = format!(
        "domain: acme.example.com\nsigning_keys: [{{kid: k, private_key: '${{file:k.pem}}', certificate: '${{file:c.pem}}'}}]\nclients:\n  - client_id: spa\n    client_secret: a-secret-of-more-than-32-bytes-of-text\n    addons: {{{add_on}}}\n"
    );
    installation.write("tenant.yaml", &tenant);
    installation
}

fn aws(mode: &str) -> String {
    format!(
        "aws: {{mode: {mode}, role: 'arn:aws:iam::123456789012:role/x', principal: 'arn:aws:iam::123456789012:saml-provider/acme'}}"
    )
}

#[test]
fn xml_is_signed_only_if_the_pin_allows_it_and_jwts_always_are() {
    let installation = installation(&aws("saml"));
    installation.install_in_runner("aws");
    let checked = installation.locum(["check"]);
    assert!(
        checked.code == 1 && checked.stdout.contains("pin the plugin with --allow-signing-bytes"),
        "{} {}",
        checked.code,
        checked.stdout
    );
    let pin = ["plugin", "pin", "--yes", "--allow-signing-bytes", "plugins/liblocum_plugin_aws.so"];
    assert_eq!(installation.locum(pin).code, 0);
    let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
    assert_eq!(lock.matches("allow_signing_bytes = true").count(), 1, "{lock}");
    assert_eq!(installation.locum(["check"]).code, 0);

    let jwts = self::installation(&aws("web_identity"));
    jwts.install_in_runner("aws");
    assert_eq!(jwts.locum(["check"]).code, 0);
}

#[test]
fn a_permission_that_the_manifest_has_no_use_for_is_not_pinned() {
    let installation = Installation::new();
    let app = "plugins/liblocum_plugin_app.so";
    let pin = ["plugin", "pin", "--yes", "--in-process", "--allow-signing-bytes", "--give-tenant-key", app];
    assert_eq!(installation.locum(pin).code, 0);
    let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
    assert!(!lock.contains("allow_signing_bytes") && !lock.contains("give_tenant_key"), "{lock}");
}

#[test]
fn an_old_plugin_is_given_the_tenants_key_only_in_process_and_if_its_pin_says_so() {
    let installation = installation("old_2026_11_tenant_key: {club: 'https://club.example.com/'}");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../conformance/old-plugins/plugins/liblocum_old_2026_11_tenant_key.so");
    fs::copy(kept, installation.path("plugins/libold.so")).unwrap();
    let pin = |flags: &[&str]| {
        let arguments = ["plugin", "pin", "--yes"].iter().chain(flags).chain(&["plugins/libold.so"]);
        installation.command().args(arguments).output().unwrap().status.code().unwrap()
    };
    for flags in [&[][..], &["--in-process"]] {
        assert_eq!(pin(flags), 0);
        let served = installation.locum(["serve"]);
        assert_eq!(served.code, 4, "{flags:?}");
        assert!(served.stderr.contains("tenant-key-not-given"), "{}", served.stderr);
        assert!(served.stderr.contains("pin --in-process --give-tenant-key"), "{}", served.stderr);
    }
    assert_eq!(pin(&["--give-tenant-key"]), 2);
    assert_eq!(pin(&["--in-process", "--give-tenant-key"]), 0);
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn inspect_shows_what_is_signed() {
    let installation = Installation::new();
    for (plugin, expected) in [
        ("app", "with the tenant's key: the tenant's tokens for its own clients"),
        ("app", "with the private key in the setting `private_key`: JWTs"),
        ("aws", "with the tenant's key: JWTs about the user, for 300 s at most"),
        ("aws", "if pinned with --allow-signing-bytes: any XML"),
    ] {
        installation.install(plugin);
        let file = format!("plugins/liblocum_plugin_{plugin}.so");
        let inspected = installation.locum(["plugin", "inspect", &file]);
        assert!(inspected.stdout.contains(expected), "{plugin}: {}", inspected.stdout);
    }
}
