//! Values that would be more than data in the tenant file or on a terminal.

use locum_import::printable;
use serde_json::json;

use crate::test_export::TestExport;

#[test]
fn a_value_that_would_be_a_reference_stops_the_import_with_the_clients_name() {
    for (field, changes) in [
        ("name", json!({"name": "Shop ${env:HOME}"})),
        ("client_secret", json!({"client_secret": "${file:/etc/passwd}"})),
        ("callbacks", json!({"callbacks": ["https://a", "${"]})),
        ("addons.wams.masterkey", json!({"addons": {"wams": {"masterkey": "a${b"}}})),
        ("jwt_configuration.scopes.a", json!({"jwt_configuration": {"scopes": {"a": ["${env:X}"]}}})),
    ] {
        let refusal = TestExport::of_clients(&[TestExport::client(changes)]).refusal();
        assert!(
            refusal.contains("Shop") && refusal.contains(&format!("field {field} contains `${{`")),
            "{refusal}"
        );
    }
}

#[test]
fn a_grant_that_would_be_a_reference_stops_the_import() {
    let export = TestExport::copy_of("directory");
    export.replace("grants/reports.json", "read:users", "${env:HOME}");
    assert!(export.refusal().contains("field clientGrants.scope contains `${`"), "{}", export.refusal());
}

#[test]
fn a_word_that_only_looks_like_true_is_a_text() {
    for (written, name) in [("oN", "oN"), ("'yes'", "yes"), ("'0123'", "0123"), ("'~'", "~")] {
        let export = TestExport::copy_of("yaml");
        export.replace("tenant.yaml", "name: Shop\n", &format!("name: {written}\n"));
        assert_eq!(export.report().clients[0].name, name);
    }
}

#[test]
fn a_dollar_alone_and_a_reference_in_a_field_that_is_dropped_are_accepted() {
    let secret = "$shop-secret-{0123456789}-0123456789-0123456789";
    let changes =
        json!({"client_secret": secret, "description": "${env:HOME}", "client_metadata": {"a": "${b}"}});
    let imported = TestExport::of_clients(&[TestExport::client(changes)]).import().ok().unwrap();
    assert_eq!(imported.text("secrets/shop.client_secret").unwrap(), format!("{secret}\n"));
}

#[test]
fn a_marker_that_was_not_replaced_stops_the_import() {
    let export = TestExport::copy_of("yaml");
    export.replace("tenant.yaml", "##SHOP_HOST##", "##OTHER_HOST##");
    let refusal = export.refusal();
    assert!(
        refusal.contains("client Shop (shopClientId)") && refusal.contains("##OTHER_HOST##"),
        "{refusal}"
    );
    let mut export = TestExport::copy_of("yaml");
    export.config.mappings.clear();
    let refusal = export.refusal();
    assert!(refusal.contains("@@SHOP_CALLBACKS@@, which was not replaced"), "{refusal}");
}

#[test]
fn messages_hold_no_escape_sequences() {
    let changes = json!({"name": "\u{1b}]0;x\u{7}\u{202e}Shop\n", "client_secret": "${"});
    let refusal = TestExport::of_clients(&[TestExport::client(changes)]).refusal();
    assert!(refusal.contains("\\u{1b}]0;x\\u{7}\\u{202e}Shop\\u{a}"), "{refusal}");
    assert!(!refusal.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']));
    assert_eq!(printable("Größe ✓ 日本"), "Größe ✓ 日本");
}

#[test]
fn names_of_any_characters_are_kept_in_the_file() {
    let name = "a: \"b\" #c\n\u{1b}\u{85}\u{2028}\u{feff}日本 \u{1f600} - &x *y !z %";
    let imported =
        TestExport::of_clients(&[TestExport::client(json!({"name": name}))]).import().ok().unwrap();
    assert_eq!(imported.data.clients[0].name.as_deref(), Some(name));
}

#[test]
fn a_secret_keeps_its_spaces_and_line_ends() {
    for secret in
        ["  padded-secret-0123456789-0123456789 ", "two\nlines-0123456789-0123456789-0123456789\n", "0123"]
    {
        let imported =
            TestExport::of_clients(&[TestExport::client(json!({"client_secret": secret}))]).import();
        let text = imported.ok().unwrap().text("secrets/shop.client_secret").unwrap().to_owned();
        assert_eq!(text, format!("{secret}\n"));
    }
}

#[test]
fn a_secret_that_no_reference_can_hold_stops_the_import() {
    let secret = |length: usize| {
        TestExport::of_clients(&[TestExport::client(json!({"client_secret": "x".repeat(length)}))])
    };
    assert!(secret(65_535).import().is_ok());
    assert!(secret(65_536).refusal().contains("shorten it"));
}
