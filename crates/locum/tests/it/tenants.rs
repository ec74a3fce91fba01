//! Config and tenant files that are not what they should be: named with line and hint, exit code 3.

use crate::house::House;

fn refused_with(name: &str, text: &str) -> String {
    let house = House::new();
    house.write(name, text);
    let serve = house.locum(["serve"]);
    assert_eq!(serve.code, 3, "{}", serve.stderr);
    assert_eq!(house.locum(["check"]).code, 3);
    serve.stderr
}

#[test]
fn an_unknown_key_of_the_config_is_named() {
    let refused = refused_with("locum.toml", "plugin_dir = \"plugins\"\ntenants = []\n");
    assert!(refused.contains("plugin_dir") && refused.contains("plugins_dir"), "{refused}");
}

#[test]
fn an_unknown_key_of_a_tenant_is_named_with_its_line_and_a_hint() {
    let refused = refused_with("tenant.yaml", "domain: acme.example.com\nclient: []\n");
    assert!(
        refused.contains("tenant.yaml:2:1: unknown field `client`; did you mean `clients`?"),
        "{refused}"
    );
}

#[test]
fn a_tenant_file_that_is_not_there_is_named() {
    let refused = refused_with("locum.toml", "plugins_dir = \"plugins\"\ntenants = [\"missing.yaml\"]\n");
    assert!(refused.contains("missing.yaml"), "{refused}");
}

#[test]
fn settings_that_cannot_work_are_named_by_client_and_setting() {
    let house = House::new();
    house.write(
        "tenant.yaml",
        "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: s3cr3t-s3cr3t\n    jwt_configuration: {lifetime_in_seconds: 0}\n",
    );
    let checked = house.locum(["check"]);
    assert_eq!(checked.code, 1);
    assert!(checked.stdout.contains("client spa: app/lifetime_in_seconds"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("s3cr3t"), "{}", checked.stdout);
    let served = house.locum(["serve"]);
    assert_eq!(served.code, 3);
    assert!(served.stderr.contains("client spa: app/lifetime_in_seconds"), "{}", served.stderr);
}

#[test]
fn an_add_on_that_no_plugin_serves_is_named() {
    let house = House::new();
    house.write(
        "tenant.yaml",
        "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: s3cr3t-s3cr3t\n    addons: {wams: {masterkey: m}}\n",
    );
    let checked = house.locum(["check", "--format", "json"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("client spa: wams: no plugin that is loaded serves"),
        "{}",
        checked.stdout
    );
}
