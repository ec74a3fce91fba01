//! Invalid config and tenant files: errors name the file, the line and the remedy; the exit code is 3.

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
    assert!(
        checked
            .stdout
            .contains("tenant acme.example.com: client spa: jwt_configuration/lifetime_in_seconds: "),
        "{}",
        checked.stdout
    );
    assert!(!checked.stdout.contains("s3cr3t"), "{}", checked.stdout);
    // The server serves everything else.
    let mut server = Server::start(&installation);
    server.wait_for("tenant acme.example.com: client spa: jwt_configuration/lifetime_in_seconds: ");
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
        checked.stdout.contains("client spa: addons/wams: no plugin that is loaded serves"),
        "{}",
        checked.stdout
    );
}
